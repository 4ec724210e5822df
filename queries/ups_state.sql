/*---
title: {en: UPS state, zh-CN: UPS 状态}
description:
  en: Uninterruptible power supplies as last seen, those on battery first, and how often they were on battery in the time asked for.
  zh-CN: 各 UPS 的最近状态（电池供电的在前），以及所选时间内由电池供电的轮询占比。
tags: [power]
range: now-24h
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  model: {title: {en: Model, zh-CN: 型号}}
  output_source: {title: {en: Fed by, zh-CN: 供电来源}}
  battery_state: {title: {en: Battery, zh-CN: 电池}}
  charge_pct: {unit: "%", digits: 0, bar: true, title: {en: Charge, zh-CN: 电量}}
  load_pct: {unit: "%", digits: 0, bar: true, warn: 80, crit: 95, title: {en: Load, zh-CN: 负载}}
  runtime_left_s: {unit: s, title: {en: Would last, zh-CN: 剩余时间}}
  temperature_c: {unit: "°C", digits: 0, title: {en: Temperature, zh-CN: 温度}}
  on_battery_pct: {unit: "%", digits: 2, title: {en: Share of polls on battery, zh-CN: 电池供电占比}}
  last_seen: {title: {en: Last seen, zh-CN: 最近出现}}
---*/
SELECT u.host, any_value(h.model) AS model, max_by(output_source, ts) AS output_source,
       max_by(battery_state, ts) AS battery_state, arg_max_null(charge_pct, ts) AS charge_pct,
       arg_max_null(load_pct, ts) AS load_pct, arg_max_null(runtime_left_s, ts) AS runtime_left_s,
       arg_max_null(temperature_c, ts) AS temperature_c,
       round(100.0 * count(*) FILTER (output_source = 'battery') / count(*), 2) AS on_battery_pct, max(ts) AS last_seen
FROM ups u LEFT JOIN host h ON h.name = u.host
WHERE ts >= $from AND ts < $to
GROUP BY u.host
ORDER BY max_by(output_source, ts) = 'battery' DESC, charge_pct NULLS LAST, u.host
