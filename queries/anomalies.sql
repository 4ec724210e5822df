/*---
title: {en: Unlike the last four weeks, zh-CN: 异常时段（对比近四周）}
description:
  en: Hours in which a host was unlike the same hour of the same weekday in the four weeks before. Usual is the median of those weeks; the deviation is measured in their own spread, so what always varies is not odd.
  zh-CN: 与前四周同一星期、同一小时相比明显异常的时段。以四周的中位数为常态，以四周自身的波动衡量偏差，经常波动的不算异常。
tags: [trend, faults]
range: now-24h
params:
  measure: {type: enum, values: [cpu, memory, load, round_trip, traffic_in, traffic_out], default: cpu, title: {en: What, zh-CN: 指标}}
  sensitivity: {type: float, default: 3, min: 1, max: 100, title: {en: From so many spreads on, zh-CN: 偏差倍数}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/q/week_over_week?host={host}&measure={$measure}", title: {en: Host, zh-CN: 主机}}
  hour: {title: {en: Hour, zh-CN: 时段}}
  value: {unit: "{unit}", title: {en: Value, zh-CN: 实际值}}
  usual: {unit: "{unit}", title: {en: Usual, zh-CN: 常态}}
  lowest: {unit: "{unit}", title: {en: Lowest of the four weeks, zh-CN: 四周最低}}
  highest: {unit: "{unit}", title: {en: Highest, zh-CN: 四周最高}}
  deviation: {digits: 1, warn: 5, crit: 10, title: {en: Deviation, zh-CN: 偏差}}
  weeks: {title: {en: Weeks known, zh-CN: 可比周数}}
  unit: {title: {en: Unit, zh-CN: 单位}}
---*/
-- The mean of every hour of what is looked at; of traffic, all ports together.
WITH sample AS (
  SELECT host, ts, used_pct_avg AS value, used_pct_count AS weight, '%' AS unit FROM cpu_hourly
  WHERE $measure = 'cpu' AND ts >= $from - INTERVAL 28 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, used_pct_avg, used_pct_count, '%' FROM memory_hourly
  WHERE $measure = 'memory' AND ts >= $from - INTERVAL 28 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, load1_avg, load1_count, '' FROM system_hourly
  WHERE $measure = 'load' AND ts >= $from - INTERVAL 28 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, rtt_avg_ms_avg, rtt_avg_ms_count, 'ms' FROM ping_hourly
  WHERE $measure = 'round_trip' AND ts >= $from - INTERVAL 28 DAY AND ts < $to
  UNION ALL
  SELECT host, ts, CASE $measure WHEN 'traffic_in' THEN sum(in_bps) ELSE sum(out_bps) END, 1, 'bit/s' FROM interface_hourly
  WHERE $measure IN ('traffic_in', 'traffic_out') AND ts >= $from - INTERVAL 28 DAY AND ts < $to
  GROUP BY host, ts
),
-- The hour by the clock on the wall; one that the clock shows twice is one.
hourly AS (
  SELECT host, date_trunc('hour', ts AT TIME ZONE $tz) AS hour,
         sum(value * weight) / sum(weight) AS value, any_value(unit) AS unit,
         count(*) FILTER (ts >= $from) > 0 AS asked
  FROM sample
  WHERE value IS NOT NULL AND weight > 0
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY host, date_trunc('hour', ts AT TIME ZONE $tz)
),
-- Beside each hour that is asked for, the same hour 1, 2, 3 and 4 weeks before.
compared AS (
  SELECT h.host, h.hour, h.value, h.unit, count(*) AS weeks,
         median(b.value) AS usual, min(b.value) AS lowest, max(b.value) AS highest,
         mad(b.value) AS spread
  FROM hourly h
  JOIN hourly b ON b.host = h.host
    AND b.hour IN (h.hour - INTERVAL 7 DAY, h.hour - INTERVAL 14 DAY, h.hour - INTERVAL 21 DAY, h.hour - INTERVAL 28 DAY)
  WHERE h.asked
  GROUP BY h.host, h.hour, h.value, h.unit
),
judged AS (
  SELECT *,
         -- Four weeks that agree to the digit make no spread of zero: a twentieth of the usual value
         -- (of 100 where it is a percentage) is the least.
         abs(value - usual) / greatest(1.4826 * spread, CASE unit WHEN '%' THEN 5 ELSE 0.05 * abs(usual) END, 1e-9) AS deviation
  FROM compared
  WHERE weeks >= 3
)
SELECT host, hour AT TIME ZONE $tz AS hour, round(value, 3) AS value, round(usual, 3) AS usual,
       round(lowest, 3) AS lowest, round(highest, 3) AS highest, round(deviation, 2) AS deviation, weeks, unit
FROM judged
WHERE deviation >= $sensitivity
ORDER BY deviation DESC, host, hour
