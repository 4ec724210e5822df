/*---
title: {en: Errors and discards, zh-CN: 错误与丢弃}
description:
  en: Ports that lost packets, the most per million first. Errors point at cables, optics and duplex; discards at a full queue.
  zh-CN: 有丢包的端口，按每百万包损失排序。错误多与线缆、光模块、双工有关；丢弃多因队列已满。
tags: [network, faults]
range: now-24h
params:
  least: {type: int, default: 1, min: 1, title: {en: At least, zh-CN: 至少}}
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  alias: {title: {en: Description, zh-CN: 描述}}
  per_million: {digits: 1, warn: 10, crit: 1000, title: {en: Lost per million packets, zh-CN: 每百万包损失}}
  in_errors: {title: {en: In errors, zh-CN: 入错误}}
  out_errors: {title: {en: Out errors, zh-CN: 出错误}}
  in_discards: {title: {en: In discards, zh-CN: 入丢弃}}
  out_discards: {title: {en: Out discards, zh-CN: 出丢弃}}
  packets: {title: {en: Packets, zh-CN: 包数}}
  slots_with_loss: {title: {en: 5-minute slots with loss, zh-CN: 出现时段数（5 分钟）}}
  last_loss: {title: {en: Last seen, zh-CN: 最近出现}}
chart: {type: bar, x: interface, y: per_million, series: host}
---*/
-- One row of interface_5min is one port in 5 minutes.
WITH row AS (
  SELECT host, interface, ts, alias, in_errors, out_errors, in_discards, out_discards,
         coalesce(in_packets, 0) + coalesce(out_packets, 0) AS packets,
         coalesce(in_errors, 0) + coalesce(out_errors, 0) + coalesce(in_discards, 0) + coalesce(out_discards, 0) AS lost
  FROM interface_5min
  WHERE ts >= $from AND ts < $to
    AND ($host = '' OR host = $host)
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
)
SELECT host, interface,
       max_by(alias, ts) AS alias,
       -- Of all that came and went and all that was lost on the way.
       round(1e6 * sum(lost) / nullif(sum(packets) + sum(lost), 0), 3) AS per_million,
       sum(in_errors)::BIGINT AS in_errors,
       sum(out_errors)::BIGINT AS out_errors,
       sum(in_discards)::BIGINT AS in_discards,
       sum(out_discards)::BIGINT AS out_discards,
       sum(packets)::BIGINT AS packets,
       count(*) FILTER (lost > 0) AS slots_with_loss,
       max(ts) FILTER (lost > 0) AS last_loss
FROM row
GROUP BY host, interface
HAVING sum(lost) >= $least
ORDER BY per_million DESC NULLS LAST, sum(lost) DESC, host, interface
