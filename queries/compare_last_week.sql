/*---
title: {en: Compared with last week, zh-CN: 与上周对比}
description:
  en: The mean of each host in the chosen range and in the same range a week earlier, by the clock of the chosen time zone; the largest change first.
  zh-CN: 各主机在所选时间范围与一周前同一时段（按所选时区的钟点）的平均值对比，变化最大的在前。
tags: [trend]
range: now-24h
params:
  measure: {type: enum, values: [cpu, memory, load, round_trip, traffic_in, traffic_out], default: cpu, title: {en: What, zh-CN: 指标}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/q/week_over_week?host={host}&measure={$measure}&from={$from}&to={$to}", title: {en: Host, zh-CN: 主机}}
  now: {unit: "{unit}", title: {en: Now, zh-CN: 本期}}
  week_ago: {unit: "{unit}", title: {en: A week ago, zh-CN: 一周前}}
  change: {unit: "{unit}", title: {en: Change, zh-CN: 变化}}
  change_pct: {unit: "%", digits: 1, title: {en: Change in %, zh-CN: 变化率}}
  unit: {title: {en: Unit, zh-CN: 单位}}
chart: {type: bar, x: host, y: [now, week_ago]}
---*/
-- One value per host and moment of what is compared; 7 days back the clock shows the same time, also
-- across a change of summer time.
WITH sample AS (
  SELECT host, ts, used_pct AS value, '%' AS unit FROM cpu
  WHERE $measure = 'cpu' AND ts >= $from - INTERVAL 7 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, used_pct, '%' FROM memory
  WHERE $measure = 'memory' AND ts >= $from - INTERVAL 7 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, load1, '' FROM system
  WHERE $measure = 'load' AND ts >= $from - INTERVAL 7 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, rtt_avg_ms, 'ms' FROM ping
  WHERE $measure = 'round_trip' AND ts >= $from - INTERVAL 7 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, CASE $measure WHEN 'traffic_in' THEN sum(in_bps) ELSE sum(out_bps) END, 'bit/s' FROM interface_5min
  WHERE $measure IN ('traffic_in', 'traffic_out') AND ts >= $from - INTERVAL 7 DAY AND ts < $to
  GROUP BY host, ts
),
mean AS (
  SELECT host, any_value(unit) AS unit,
         avg(value) FILTER (ts >= $from) AS now,
         avg(value) FILTER (ts < $to - INTERVAL 7 DAY) AS week_ago
  FROM sample
  WHERE $group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group)
  GROUP BY host
)
SELECT host, now, week_ago,
       now - week_ago AS change,
       round(100.0 * (now - week_ago) / nullif(week_ago, 0), 2) AS change_pct,
       unit
FROM mean
WHERE now IS NOT NULL OR week_ago IS NOT NULL
ORDER BY abs(change) DESC NULLS LAST, host
