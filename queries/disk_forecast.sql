/*---
title: {en: Disks that will fill, zh-CN: 磁盘写满预测}
description:
  en: Days until each file system is full if its use goes on as in the chosen range. The trend is the median of the slopes between any two points (Theil-Sen), so a clean-up or a single dump does not turn it.
  zh-CN: 按所选时间范围内的使用趋势，预测各文件系统还有多少天写满。趋势取任意两点斜率的中位数（Theil-Sen），一次清理或突增不会影响结果。
tags: [capacity, storage]
range: now-30d
params:
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
  min_used: {type: float, default: 50, min: 0, max: 100, unit: "%", title: {en: Used at least, zh-CN: 最低使用率}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  mount: {title: {en: Mount, zh-CN: 挂载点}}
  used_pct: {unit: "%", bar: true, warn: 80, crit: 90, title: {en: Used, zh-CN: 已用}}
  free_bytes: {unit: B, title: {en: Free, zh-CN: 剩余}}
  pct_per_day: {unit: "%/d", digits: 3, title: {en: Per day, zh-CN: 每天增长}}
  days_left: {unit: d, digits: 1, warn: 30, crit: 7, title: {en: Days left, zh-CN: 剩余天数}}
  full_at: {title: {en: Full on, zh-CN: 写满时间}}
chart: {type: bar, x: mount, y: days_left, series: host}
---*/
-- One row of filesystem_hourly is one file system in an hour.
WITH sample AS (
  SELECT host, mount, ts, epoch(ts) / 86400 AS day, used_pct_last AS used_pct, free_bytes_last AS free_bytes
  FROM filesystem_hourly
  WHERE ts >= $from AND ts < $to AND used_pct_last IS NOT NULL
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
),
-- Some 50 points of each file system are enough for a line: the median use of each piece of the range.
point AS (
  SELECT host, mount, avg(day) AS day, median(used_pct) AS used_pct
  FROM sample
  GROUP BY host, mount, floor((day * 86400 - epoch($from)) / greatest(1, (epoch($to) - epoch($from)) / 50))
),
slope AS (
  SELECT a.host, a.mount, median((b.used_pct - a.used_pct) / (b.day - a.day)) AS pct_per_day
  FROM point a JOIN point b ON b.host = a.host AND b.mount = a.mount AND b.day > a.day
  GROUP BY a.host, a.mount
),
latest AS (
  SELECT host, mount, min(ts) AS first_ts, max(ts) AS last_ts,
         max_by(used_pct, ts) AS used_pct, max_by(free_bytes, ts) AS free_bytes
  FROM sample GROUP BY host, mount
),
-- What has not been seen for a day before the end is unmounted or unreachable: it is left out. A line
-- through less than a day (or half of a shorter range) says nothing about the days to come.
f AS (
  SELECT l.*, s.pct_per_day,
         CASE WHEN used_pct >= 100 THEN 0
              WHEN epoch(last_ts) - epoch(first_ts) < least(86400, (epoch($to) - epoch($from)) / 2) THEN NULL
              WHEN s.pct_per_day > 1e-6 THEN (100 - used_pct) / s.pct_per_day END AS days_left
  FROM latest l LEFT JOIN slope s USING (host, mount)
  WHERE last_ts >= $to - INTERVAL 1 DAY
)
SELECT host, mount, used_pct, free_bytes, round(pct_per_day, 6) AS pct_per_day, days_left,
       CASE WHEN days_left <= 36500 THEN last_ts + to_seconds(days_left * 86400) END AS full_at
FROM f
WHERE used_pct >= $min_used
ORDER BY days_left NULLS LAST, used_pct DESC, host, mount
