/*---
title: {en: Top talkers, zh-CN: 流量排行}
description:
  en: Who moved how much, the most first, and what part of everything that is; the rest stands in one line. By host, ports count whose traffic is not that of another port already (no bridges, bonds, VLANs, tunnels).
  zh-CN: 按流量总量排行及占比，其余合并为一行。按主机统计时，不计入与物理端口重复的接口（网桥、聚合、VLAN、隧道）。
tags: [network]
range: now-24h
params:
  by: {type: enum, values: [interface, host], default: interface, title: {en: By, zh-CN: 统计对象}}
  top: {type: int, default: 20, min: 1, max: 1000, title: {en: Rows, zh-CN: 行数}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  talker: {title: {en: Who, zh-CN: 对象}}
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  alias: {title: {en: Description, zh-CN: 描述}}
  total_bytes: {unit: B, title: {en: Volume, zh-CN: 总流量}}
  share_pct: {unit: "%", digits: 1, bar: true, title: {en: Share, zh-CN: 占比}}
  in_bytes: {unit: B, title: {en: In, zh-CN: 入}}
  out_bytes: {unit: B, title: {en: Out, zh-CN: 出}}
  ports: {title: {en: Ports, zh-CN: 端口数}}
chart: {type: stacked, x: talker, y: [in_bytes, out_bytes]}
---*/
WITH port AS (
  SELECT host, interface, max_by(alias, ts) AS alias, sum(in_octets) AS in_bytes, sum(out_octets) AS out_bytes
  FROM interface_5min
  WHERE ts >= $from AND ts < $to
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
    -- What goes through a bridge, a bond or a VLAN has gone through a port already.
    AND ($by = 'interface' OR NOT regexp_matches(interface,
         '^(lo[0-9]*|lo:.*|Lo.*|loopback.*|Null.*|veth.*|docker.*|br[-0-9].*|virbr.*|bond.*|team.*|vlan.*|Vl.*|Po[0-9].*|tun.*|tap.*|wg.*|dummy.*|cali.*|cni.*|flannel.*|vnet.*|ifb.*|.*[.][0-9]+)$', 'i'))
  GROUP BY host, interface
),
talker AS (
  SELECT host, CASE $by WHEN 'interface' THEN interface END AS interface,
         CASE $by WHEN 'interface' THEN any_value(alias) END AS alias,
         coalesce(sum(in_bytes), 0) AS in_bytes, coalesce(sum(out_bytes), 0) AS out_bytes, count(*) AS ports
  FROM port
  GROUP BY host, CASE $by WHEN 'interface' THEN interface END
),
ranked AS (
  SELECT *, row_number() OVER (ORDER BY in_bytes + out_bytes DESC, host, interface) AS place,
         sum(in_bytes + out_bytes) OVER () AS all_bytes
  FROM talker
  WHERE in_bytes + out_bytes > 0
)
SELECT CASE WHEN place <= $top THEN concat_ws(' ', host, interface) ELSE '…' END AS talker,
       CASE WHEN place <= $top THEN host END AS host,
       CASE WHEN place <= $top THEN interface END AS interface,
       CASE WHEN place <= $top THEN any_value(alias) END AS alias,
       sum(in_bytes + out_bytes)::BIGINT AS total_bytes,
       round(100.0 * sum(in_bytes + out_bytes) / any_value(all_bytes), 2) AS share_pct,
       sum(in_bytes)::BIGINT AS in_bytes,
       sum(out_bytes)::BIGINT AS out_bytes,
       sum(ports)::BIGINT AS ports
FROM ranked
GROUP BY least(place, $top + 1), place <= $top, CASE WHEN place <= $top THEN host END, CASE WHEN place <= $top THEN interface END, talker
ORDER BY least(place, $top + 1)
