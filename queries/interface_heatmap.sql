/*---
title: {en: Use of interfaces over time, zh-CN: 接口利用率热力图}
description:
  en: How full the busiest ports were, slot by slot; the fuller direction counts. Ports whose speed is unknown are left out; a slot is a multiple of 5 minutes.
  zh-CN: 最繁忙端口在各时段的利用率，取出入方向较大者。速率未知的端口不列出；时段为 5 分钟的整数倍。
tags: [network, capacity]
range: now-24h
params:
  slot: {type: duration, default: 1h, title: {en: Slot, zh-CN: 时段}}
  top: {type: int, default: 20, min: 1, max: 200, title: {en: Ports, zh-CN: 端口数}}
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  port: {title: {en: Port, zh-CN: 端口}}
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  slot: {title: {en: Slot, zh-CN: 时段}}
  util_pct: {unit: "%", digits: 1, bar: true, warn: 70, crit: 90, title: {en: Use, zh-CN: 利用率}}
  in_util_pct: {unit: "%", digits: 1, title: {en: In, zh-CN: 入}}
  out_util_pct: {unit: "%", digits: 1, title: {en: Out, zh-CN: 出}}
chart: {type: heatmap, x: slot, y: util_pct, series: port}
---*/
WITH cell AS (
  SELECT host, interface, time_bucket($slot, ts) AS slot,
         sum(in_octets) * 8000.0 / nullif(sum(elapsed_ms) FILTER (in_octets IS NOT NULL), 0) AS in_bps,
         sum(out_octets) * 8000.0 / nullif(sum(elapsed_ms) FILTER (out_octets IS NOT NULL), 0) AS out_bps,
         max_by(speed_bps, ts) AS speed_bps
  FROM interface_5min
  WHERE ts >= $from AND ts < $to AND speed_bps > 0
    AND ($host = '' OR host = $host)
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY host, interface, time_bucket($slot, ts)
),
-- The busiest ports, by their fullest slot.
port AS (
  SELECT host, interface, max(greatest(in_bps, out_bps) / speed_bps) AS peak
  FROM cell
  GROUP BY host, interface
  HAVING peak IS NOT NULL
  ORDER BY peak DESC, host, interface
  LIMIT $top
)
SELECT concat_ws(' ', host, interface) AS port, host, interface, slot,
       round(100.0 * greatest(in_bps, out_bps) / speed_bps, 2) AS util_pct,
       round(100.0 * in_bps / speed_bps, 2) AS in_util_pct,
       round(100.0 * out_bps / speed_bps, 2) AS out_util_pct
FROM cell JOIN port USING (host, interface)
WHERE greatest(in_bps, out_bps) IS NOT NULL
ORDER BY peak DESC, host, interface, slot
