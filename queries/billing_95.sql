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
-- The mean of every 5 minutes: what went through, over the time in which it was measured.
WITH slot AS (
  SELECT host, interface, time_bucket(INTERVAL 5 MINUTE, ts) AS slot,
         sum(in_octets) AS in_bytes,
         sum(out_octets) AS out_bytes,
         sum(in_octets) * 8000.0 / nullif(sum(elapsed_ms) FILTER (in_octets IS NOT NULL), 0) AS in_bps,
         sum(out_octets) * 8000.0 / nullif(sum(elapsed_ms) FILTER (out_octets IS NOT NULL), 0) AS out_bps,
         max_by(alias, ts) AS alias
  FROM interface
  WHERE ts >= $from AND ts < $to
    AND ($host = '' OR host = $host)
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY host, interface, slot
)
SELECT host, interface,
       max_by(alias, slot) AS alias,
       greatest(quantile_disc(in_bps, 0.95), quantile_disc(out_bps, 0.95)) AS billed_bps,
       -- quantile_disc takes a mean that was measured, it does not make one up between two.
       quantile_disc(in_bps, 0.95) AS in_p95_bps,
       quantile_disc(out_bps, 0.95) AS out_p95_bps,
       max(in_bps) AS in_max_bps,
       max(out_bps) AS out_max_bps,
       sum(in_bytes)::BIGINT AS in_bytes,
       sum(out_bytes)::BIGINT AS out_bytes,
       count(coalesce(in_bps, out_bps)) AS slots,
       -- A slot that the range only touches counts as one.
       round(100.0 * count(coalesce(in_bps, out_bps))
             / (floor((epoch($to) - 1) / 300) - floor(epoch($from) / 300) + 1), 2) AS coverage_pct
FROM slot
GROUP BY host, interface
HAVING count(coalesce(in_bps, out_bps)) > 0
   AND ($search = '' OR contains(lower(concat(interface, ' ', max_by(alias, slot))), lower($search)))
ORDER BY billed_bps DESC, host, interface
