/*---
title: {en: Alert statistics, zh-CN: 告警统计}
description:
  en: How often what fired, how long it took until somebody looked after it (MTTA) and until it was over (MTTR). What fires often and is over at once is noise.
  zh-CN: 各项告警的触发次数、平均确认时间（MTTA）和平均恢复时间（MTTR）。频繁触发又立即恢复的多为噪声。
tags: [alerts]
range: now-30d
params:
  by: {type: enum, values: [rule, host, severity], default: rule, title: {en: By, zh-CN: 统计维度}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  what: {title: {en: What, zh-CN: 对象}}
  alerts: {title: {en: Alerts, zh-CN: 告警数}}
  critical: {title: {en: Of them critical, zh-CN: 其中严重}}
  hosts: {title: {en: Hosts, zh-CN: 主机数}}
  open: {warn: 1, title: {en: Still open, zh-CN: 未恢复}}
  acknowledged: {title: {en: Acknowledged, zh-CN: 已确认}}
  mtta_s: {unit: s, title: {en: Time to acknowledge, zh-CN: 平均确认时间}}
  mttr_s: {unit: s, title: {en: Time to resolve, zh-CN: 平均恢复时间}}
  longest_s: {unit: s, title: {en: Longest, zh-CN: 最长持续}}
  short_lived: {title: {en: Over within 5 minutes, zh-CN: 5 分钟内恢复}}
  last_fired: {title: {en: Last fired, zh-CN: 最近触发}}
chart: {type: bar, x: what, y: alerts}
---*/
-- Alerts that fired in the range; what was pending and went away by itself is none.
WITH fired AS (
  SELECT CASE $by WHEN 'rule' THEN rule WHEN 'host' THEN host ELSE peak END AS what,
         host, peak, fired_at, resolved_at,
         -- Seconds that passed; `resolved_at - fired_at` would count hours of the clock on the wall.
         epoch(acknowledged_at) - epoch(fired_at) AS acknowledged_after_s,
         epoch(resolved_at) - epoch(fired_at) AS resolved_after_s
  FROM alert
  WHERE fired_at >= $from AND fired_at < $to
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
)
SELECT what,
       count(*) AS alerts,
       count(*) FILTER (peak = 'critical') AS critical,
       count(DISTINCT host) AS hosts,
       count(*) FILTER (resolved_at IS NULL) AS open,
       count(acknowledged_after_s) AS acknowledged,
       round(avg(acknowledged_after_s), 1) AS mtta_s,
       round(avg(resolved_after_s), 1) AS mttr_s,
       -- One that is still open has lasted until the end of the range.
       max(coalesce(resolved_after_s, epoch($to) - epoch(fired_at)))::BIGINT AS longest_s,
       count(*) FILTER (resolved_after_s < 300) AS short_lived,
       max(fired_at) AS last_fired
FROM fired
GROUP BY what
ORDER BY alerts DESC, what
