/*---
title: {en: Busiest interfaces, zh-CN: 流量最大的接口}
description:
  en: Mean and 95th percentile (of 5-minute means, as billing does) of the traffic of each interface.
  zh-CN: 各接口流量的平均值和 95 百分位（按 5 分钟均值计算，与计费方式一致）。
tags: [network, capacity]
range: now-24h
params:
  top: {type: int, default: 20, min: 1, max: 1000, title: {en: Rows, zh-CN: 行数}}
  by: {type: enum, values: [mean, p95, util, errors], default: mean, title: {en: Order by, zh-CN: 排序}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  alias: {title: {en: Description, zh-CN: 描述}}
  in_bps: {unit: bit/s, title: {en: In, zh-CN: 入}}
  out_bps: {unit: bit/s, title: {en: Out, zh-CN: 出}}
  in_p95_bps: {unit: bit/s, title: {en: In 95 %, zh-CN: 入 95 百分位}}
  out_p95_bps: {unit: bit/s, title: {en: Out 95 %, zh-CN: 出 95 百分位}}
  speed_bps: {unit: bit/s, title: {en: Speed, zh-CN: 速率}}
  util_p95_pct: {unit: "%", digits: 1, bar: true, warn: 70, crit: 90, title: {en: Use at 95 %, zh-CN: 95 百分位利用率}}
  errors: {title: {en: Errors and discards, zh-CN: 错误与丢弃}}
chart: {type: bar, x: interface, y: [in_p95_bps, out_p95_bps], series: host}
---*/
-- One row of interface_5min is one port in 5 minutes. Of whole hours the mean is that of all that went
-- through, not of the means.
WITH i AS (
  SELECT host, interface, max_by(alias, ts) AS alias, max_by(speed_bps, ts) AS speed_bps,
         sum(in_octets) * 8000.0 / nullif(sum(elapsed_ms) FILTER (in_octets IS NOT NULL), 0) AS in_bps,
         sum(out_octets) * 8000.0 / nullif(sum(elapsed_ms) FILTER (out_octets IS NOT NULL), 0) AS out_bps,
         quantile_cont(in_bps, 0.95) AS in_p95_bps,
         quantile_cont(out_bps, 0.95) AS out_p95_bps,
         sum(coalesce(in_errors, 0) + coalesce(out_errors, 0)
             + coalesce(in_discards, 0) + coalesce(out_discards, 0))::BIGINT AS errors
  FROM interface_5min
  WHERE ts >= $from AND ts < $to
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY host, interface
)
SELECT host, interface, alias, in_bps, out_bps, in_p95_bps, out_p95_bps, speed_bps,
       round(100 * greatest(in_p95_bps, out_p95_bps) / nullif(speed_bps, 0), 2) AS util_p95_pct, errors
FROM i
WHERE in_bps IS NOT NULL OR out_bps IS NOT NULL
ORDER BY CASE $by WHEN 'p95' THEN greatest(in_p95_bps, out_p95_bps)
                  WHEN 'util' THEN util_p95_pct
                  WHEN 'errors' THEN errors::DOUBLE
                  ELSE coalesce(in_bps, 0) + coalesce(out_bps, 0) END DESC NULLS LAST, host, interface
LIMIT $top
