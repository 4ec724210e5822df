/*---
title: {en: This week and last week, zh-CN: 本周与上周曲线}
description:
  en: One line for the chosen range, one for the same range a week earlier, by the clock of the chosen time zone. Of several hosts the mean is drawn; of traffic, the sum.
  zh-CN: 所选时间范围与一周前同一时段的两条曲线。多台主机取平均值，流量取总和。
tags: [trend]
range: now-7d
params:
  measure: {type: enum, values: [cpu, memory, load, round_trip, traffic_in, traffic_out], default: cpu, title: {en: What, zh-CN: 指标}}
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  time: {title: {en: Time, zh-CN: 时间}}
  now: {unit: "{unit}", title: {en: Now, zh-CN: 本期}}
  week_ago: {unit: "{unit}", title: {en: A week ago, zh-CN: 一周前}}
  change: {unit: "{unit}", title: {en: Change, zh-CN: 变化}}
  unit: {title: {en: Unit, zh-CN: 单位}}
chart: {type: line, x: time, y: [now, week_ago]}
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
-- A row may belong to both lines when the range is longer than a week.
placed AS (
  SELECT host, value, unit, true AS is_now, time_bucket($step, ts) AS time FROM sample WHERE ts >= $from
  UNION ALL
  SELECT host, value, unit, false, time_bucket($step, ts + INTERVAL 7 DAY) FROM sample WHERE ts < $to - INTERVAL 7 DAY
),
-- The mean of each host first: a host that is polled more often does not count for more.
per_host AS (
  SELECT time, is_now, host, avg(value) AS value, any_value(unit) AS unit
  FROM placed
  WHERE value IS NOT NULL
    AND ($host = '' OR host = $host)
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY time, is_now, host
),
whole AS (
  SELECT time, is_now, any_value(unit) AS unit,
         CASE WHEN $measure IN ('traffic_in', 'traffic_out') THEN sum(value) ELSE avg(value) END AS value
  FROM per_host GROUP BY time, is_now
)
SELECT time,
       max(value) FILTER (is_now) AS now,
       max(value) FILTER (NOT is_now) AS week_ago,
       now - week_ago AS change,
       any_value(unit) AS unit
FROM whole
GROUP BY time
ORDER BY time
