/*---
title: {en: CPU by hour of the week, zh-CN: 一周各时段 CPU 使用率}
description:
  en: When the machines work and when there is room for a backup or an update. Mean CPU use of each hour of each weekday, by the clock of the chosen time zone.
  zh-CN: 机器何时繁忙，何时适合备份或升级：按所选时区统计一周中每小时的平均 CPU 使用率。
tags: [cpu, capacity]
range: now-28d
params:
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  weekday: {unit: weekday, title: {en: Weekday, zh-CN: 星期}}
  hour: {unit: hour, title: {en: Hour, zh-CN: 时}}
  mean_pct: {unit: "%", digits: 1, bar: true, warn: 70, crit: 90, title: {en: Mean, zh-CN: 平均}}
  p95_pct: {unit: "%", digits: 1, title: {en: 95th percentile, zh-CN: 95 百分位}}
  max_pct: {unit: "%", digits: 1, title: {en: Maximum, zh-CN: 最大}}
  hosts: {title: {en: Hosts, zh-CN: 主机数}}
  samples: {title: {en: Samples, zh-CN: 样本数}}
chart: {type: heatmap, x: hour, y: mean_pct, series: weekday}
---*/
SELECT isodow(ts AT TIME ZONE $tz)::INTEGER AS weekday,   -- 1 is Monday
       hour(ts AT TIME ZONE $tz)::INTEGER AS hour,
       round(avg(used_pct), 2) AS mean_pct,
       round(quantile_cont(used_pct, 0.95), 2) AS p95_pct,
       max(used_pct) AS max_pct,
       count(DISTINCT host) AS hosts,
       count(*) AS samples
FROM cpu
WHERE ts >= $from AND ts < $to AND used_pct IS NOT NULL
  AND ($host = '' OR host = $host)
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY 1, 2
ORDER BY 1, 2
