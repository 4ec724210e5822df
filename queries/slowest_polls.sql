/*---
title: {en: Slowest polls, zh-CN: 最慢的轮询}
description:
  en: Which hosts take longest to answer, by which method, and how often they did not; with the newest reason.
  zh-CN: 应答最慢的主机和方式、失败次数及最近的失败原因。
tags: [operation]
range: now-24h
params:
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
  top: {type: int, default: 50, min: 1, max: 1000, title: {en: Rows, zh-CN: 行数}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  target: {title: {en: By, zh-CN: 方式}}
  p95_ms: {unit: ms, warn: 5000, crit: 12000, title: {en: 95 % were faster than, zh-CN: 95 百分位}}
  mean_ms: {unit: ms, title: {en: Mean, zh-CN: 平均}}
  max_ms: {unit: ms, title: {en: Longest, zh-CN: 最长}}
  polls: {title: {en: Polls, zh-CN: 轮询次数}}
  failed_pct: {unit: "%", digits: 2, warn: 1, crit: 10, title: {en: Failed, zh-CN: 失败率}}
  retries: {title: {en: Retries, zh-CN: 重试次数}}
  rows_per_poll: {digits: 1, title: {en: Rows each, zh-CN: 每次行数}}
  last_failed: {title: {en: Last failure, zh-CN: 最近失败}}
  last_error: {title: {en: Why, zh-CN: 原因}}
chart: {type: bar, x: host, y: p95_ms, series: target}
---*/
SELECT host, target,
       quantile_disc(took_ms, 0.95)::BIGINT AS p95_ms,
       round(avg(took_ms), 1) AS mean_ms,
       max(took_ms) AS max_ms,
       count(*) AS polls,
       round(100.0 * count(*) FILTER (NOT ok) / count(*), 2) AS failed_pct,
       sum(retries)::BIGINT AS retries,
       round(avg("rows") FILTER (ok), 1) AS rows_per_poll,
       max(ts) FILTER (NOT ok) AS last_failed,
       max_by(error, ts) FILTER (NOT ok) AS last_error
FROM poll
WHERE ts >= $from AND ts < $to
  AND ($host = '' OR host = $host)
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY host, target
ORDER BY p95_ms DESC, host, target
LIMIT $top
