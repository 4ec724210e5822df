/*---
title: {en: 95th percentile billing, zh-CN: 95 计费}
description:
  en: Per port the 95th percentile of the 5-minute means, in and out, and the larger of both, which is billed. The highest 5 % of the measured means are thrown away; the highest one left counts. Coverage is the share of the 5-minute slots that were measured.
  zh-CN: 各端口 5 分钟均值的 95 百分位（入、出），取较大者计费：去掉最高的 5% 样本，剩余最大值即为计费值。覆盖率为有数据的 5 分钟时段占比。
tags: [network, billing, capacity]
range: now-1M/M to now/M
params:
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
  search: {type: text, default: "", title: {en: Port or description contains, zh-CN: 端口或描述包含}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  alias: {title: {en: Description, zh-CN: 描述}}
  billed_bps: {unit: bit/s, title: {en: Billed, zh-CN: 计费值}}
  in_p95_bps: {unit: bit/s, title: {en: In 95 %, zh-CN: 入 95 百分位}}
  out_p95_bps: {unit: bit/s, title: {en: Out 95 %, zh-CN: 出 95 百分位}}
  in_max_bps: {unit: bit/s, title: {en: In maximum, zh-CN: 入峰值}}
  out_max_bps: {unit: bit/s, title: {en: Out maximum, zh-CN: 出峰值}}
  in_bytes: {unit: B, title: {en: In volume, zh-CN: 入流量}}
  out_bytes: {unit: B, title: {en: Out volume, zh-CN: 出流量}}
  slots: {title: {en: Slots measured, zh-CN: 有效时段}}
  coverage_pct: {unit: "%", digits: 2, bar: true, warn: 99, crit: 95, title: {en: Coverage, zh-CN: 覆盖率}}
chart: {type: bar, x: interface, y: [in_p95_bps, out_p95_bps], series: host}
---*/
-- One row of interface_5min is one port in 5 minutes: what went through, and the mean over the time in
-- which that was measured.
SELECT host, interface,
       max_by(alias, ts) AS alias,
       greatest(quantile_disc(in_bps, 0.95), quantile_disc(out_bps, 0.95)) AS billed_bps,
       -- quantile_disc takes a mean that was measured, it does not make one up between two.
       quantile_disc(in_bps, 0.95) AS in_p95_bps,
       quantile_disc(out_bps, 0.95) AS out_p95_bps,
       max(in_bps) AS in_max_bps,
       max(out_bps) AS out_max_bps,
       sum(in_octets)::BIGINT AS in_bytes,
       sum(out_octets)::BIGINT AS out_bytes,
       count(coalesce(in_bps, out_bps)) AS slots,
       -- Of the slots that begin in the range.
       round(100.0 * count(coalesce(in_bps, out_bps))
             / greatest(1, ceil(epoch($to) / 300) - ceil(epoch($from) / 300)), 2) AS coverage_pct
FROM interface_5min
WHERE ts >= $from AND ts < $to
  AND ($host = '' OR host = $host)
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY host, interface
HAVING count(coalesce(in_bps, out_bps)) > 0
   AND ($search = '' OR contains(lower(concat(interface, ' ', max_by(alias, ts))), lower($search)))
ORDER BY billed_bps DESC, host, interface
