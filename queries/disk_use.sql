/*---
title: {en: Disk use of the history, zh-CN: 历史数据的磁盘占用}
description:
  en: Sealed files per table, their size, the time they cover and how much a day of it takes. The newest hour is not sealed yet and not counted.
  zh-CN: 每张表已封存的文件、大小、覆盖的时间以及每天的增长量。最近一小时尚未封存，不计算在内。
tags: [capacity, history]
columns:
  table_name: {title: {en: Table, zh-CN: 表}}
  tier: {title: {en: Resolution, zh-CN: 精度}}
  files: {title: {en: Files, zh-CN: 文件数}}
  rows: {title: {en: Rows, zh-CN: 行数}}
  size_bytes: {unit: B, title: {en: Size, zh-CN: 大小}}
  bytes_per_row: {unit: B, digits: 2, title: {en: Per row, zh-CN: 每行}}
  day_bytes: {unit: B, title: {en: Per day, zh-CN: 每天}}
  days: {unit: d, digits: 1, title: {en: Days, zh-CN: 天数}}
  first_ts: {title: {en: From, zh-CN: 起始}}
  last_ts: {title: {en: To, zh-CN: 截止}}
chart: {type: bar, x: table_name, y: size_bytes}
---*/
SELECT table_name, tier,
       count(*) AS files,
       sum(rows)::BIGINT AS rows,
       sum(bytes)::BIGINT AS size_bytes,
       sum(bytes) / nullif(sum(rows), 0) AS bytes_per_row,
       round(sum(bytes) / nullif(sum(epoch(to_ts) - epoch(from_ts)), 0) * 86400)::BIGINT AS day_bytes,
       sum(epoch(to_ts) - epoch(from_ts)) / 86400 AS days,
       min(first_ts) AS first_ts,
       max(last_ts) AS last_ts
FROM sealed_file
GROUP BY table_name, tier
ORDER BY size_bytes DESC, table_name
