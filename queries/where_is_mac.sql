/*---
title: {en: Where is this MAC address, zh-CN: 查找 MAC 地址位置}
description:
  en: Switches and ports behind which a MAC or IP address was seen. The port with the fewest addresses is the nearest one.
  zh-CN: 曾看到某 MAC 或 IP 地址的交换机和端口。地址数最少的端口离设备最近。
tags: [network, topology]
range: now-24h
params:
  address: {type: text, default: "", title: {en: MAC or IP address or a part, zh-CN: MAC 或 IP 地址（可为部分）}}
  top: {type: int, default: 100, min: 1, max: 10000, title: {en: Rows, zh-CN: 行数}}
columns:
  mac: {title: {en: MAC address, zh-CN: MAC 地址}}
  ip: {title: {en: IP address, zh-CN: IP 地址}}
  host: {link: "/hosts/{host}", title: {en: Switch, zh-CN: 交换机}}
  interface: {title: {en: Port, zh-CN: 端口}}
  vlan: {title: {en: VLAN, zh-CN: VLAN}}
  addresses: {title: {en: Addresses at that port, zh-CN: 该端口地址数}}
  last_seen: {title: {en: Last seen, zh-CN: 最近出现}}
---*/
WITH ports AS (
  SELECT host, if_index, max_by(interface, ts) AS interface
  FROM interface WHERE ts >= $from AND ts < $to AND if_index IS NOT NULL GROUP BY host, if_index
),
seen AS (
  SELECT host, mac, vlan, max_by(if_index, ts) AS if_index, max_by(bridge_port, ts) AS bridge_port, max(ts) AS last_seen
  FROM mac_address WHERE ts >= $from AND ts < $to GROUP BY host, mac, vlan
),
counted AS (
  SELECT *, count(DISTINCT mac) OVER (PARTITION BY host, bridge_port) AS addresses FROM seen
),
ips AS (
  SELECT mac, string_agg(DISTINCT address, ', ' ORDER BY address) AS ip
  FROM arp WHERE ts >= $from AND ts < $to AND mac IS NOT NULL GROUP BY mac
)
SELECT c.mac, ips.ip, c.host, coalesce(p.interface, 'port ' || c.bridge_port) AS interface, c.vlan, c.addresses, c.last_seen
FROM counted c
LEFT JOIN ports p ON p.host = c.host AND p.if_index = c.if_index
LEFT JOIN ips ON ips.mac = c.mac
WHERE $address = '' OR contains(c.mac, lower(replace($address, '-', ':'))) OR contains(coalesce(ips.ip, ''), $address)
ORDER BY c.mac, c.addresses, c.host, interface
LIMIT $top
