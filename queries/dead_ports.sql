/*---
title: {en: Dead ports, zh-CN: 闲置端口}
description:
  en: Ports that are there but through which nothing has gone for a long time. A port that has been watched for a shorter time is not listed.
  zh-CN: 存在但长期没有任何流量的端口。观察时间不足的端口不列出。
tags: [network, capacity]
range: now-100d
params:
  days: {type: int, default: 90, min: 1, max: 3650, unit: d, title: {en: Unused for, zh-CN: 闲置天数}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  alias: {title: {en: Description, zh-CN: 描述}}
  state: {title: {en: State, zh-CN: 状态}}
  admin_state: {title: {en: Configured, zh-CN: 管理状态}}
  speed_bps: {unit: bit/s, title: {en: Speed, zh-CN: 速率}}
  unused_days: {unit: d, digits: 1, title: {en: Unused for, zh-CN: 已闲置}}
  last_used: {title: {en: Last used, zh-CN: 最近使用}}
  last_seen: {title: {en: Last polled, zh-CN: 最近轮询}}
---*/
-- One row of interface_hourly is one port in an hour.
WITH port AS (
  SELECT host, interface, min(ts) AS first_seen, max(ts) AS last_seen,
         max(ts) FILTER (in_octets > 0 OR out_octets > 0) AS last_used,
         max_by(alias, ts) AS alias, max_by(state_last, ts) AS state,
         max_by(admin_state_last, ts) AS admin_state, max_by(speed_bps, ts) AS speed_bps
  FROM interface_hourly
  WHERE ts >= $from AND ts < $to
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
    AND NOT regexp_matches(interface, '^(lo[0-9]*|loopback.*|Null.*)$', 'i')
  GROUP BY host, interface
)
SELECT host, interface, alias, state, admin_state, speed_bps,
       -- Since the last byte; without one, since it is watched.
       round((epoch(last_seen) - epoch(coalesce(last_used, first_seen))) / 86400, 2) AS unused_days,
       last_used, last_seen
FROM port
-- A port that has not been polled for a day before the end is gone.
WHERE last_seen >= $to - INTERVAL 1 DAY
  AND unused_days >= $days
ORDER BY host, interface
