/*---
title: {en: Who is connected to whom, zh-CN: 设备互联关系}
description:
  en: What is at the other end of each port, by LLDP and CDP, as last seen in the time asked for.
  zh-CN: 通过 LLDP 和 CDP 得知的各端口对端设备（所选时间内最近一次看到的情况）。
tags: [network, topology]
range: now-24h
params:
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  local_port: {title: {en: Port, zh-CN: 端口}}
  neighbor: {title: {en: Neighbor, zh-CN: 邻居}}
  neighbor_port: {title: {en: Its port, zh-CN: 对端端口}}
  protocol: {title: {en: Protocol, zh-CN: 协议}}
  description: {title: {en: Description, zh-CN: 描述}}
  last_seen: {title: {en: Last seen, zh-CN: 最近出现}}
---*/
SELECT host, max_by(local_port, ts) AS local_port,
       coalesce(max_by(remote_name, ts), max_by(remote_id, ts)) AS neighbor,
       max_by(remote_port, ts) AS neighbor_port, max_by(protocol, ts) AS protocol,
       max_by(remote_description, ts) AS description, max(ts) AS last_seen
FROM neighbor n
WHERE ts >= $from AND ts < $to
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY host, n.neighbor
ORDER BY host, local_port, neighbor
