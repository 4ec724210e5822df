/*---
title: {en: Printer supplies, zh-CN: 打印机耗材}
description:
  en: Toner, ink, drums and waste boxes, the emptiest first. Where the printer only says that some is left there is no percentage.
  zh-CN: 碳粉、墨水、硒鼓和废粉盒，余量最少的在前。打印机仅报告“有余量”时没有百分比。
tags: [printer]
range: now-24h
params:
  below: {type: int, default: 100, min: 0, max: 100, title: {en: At most %, zh-CN: 余量不超过 %}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  model: {title: {en: Model, zh-CN: 型号}}
  supply: {title: {en: Supply, zh-CN: 耗材}}
  type: {title: {en: Kind, zh-CN: 类型}}
  remaining_pct: {unit: "%", digits: 0, bar: true, title: {en: Left, zh-CN: 余量}}
  state: {title: {en: State, zh-CN: 状态}}
  last_seen: {title: {en: Last seen, zh-CN: 最近出现}}
---*/
SELECT s.host, any_value(h.model) AS model, s.supply, max_by(s.type, s.ts) AS type,
       arg_max_null(s.remaining_pct, s.ts) AS remaining_pct, max_by(s.state, s.ts) AS state, max(s.ts) AS last_seen
FROM printer_supply s LEFT JOIN host h ON h.name = s.host
WHERE s.ts >= $from AND s.ts < $to
GROUP BY s.host, s.supply
HAVING coalesce(arg_max_null(s.remaining_pct, s.ts), 0) <= $below
ORDER BY remaining_pct NULLS LAST, s.host, s.supply
