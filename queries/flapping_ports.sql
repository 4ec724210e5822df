/*---
title: {en: Flapping ports, zh-CN: 频繁抖动的端口}
description:
  en: Ports whose state changed often, the most often first. Changes between two polls cannot be seen, so the count is the least there were.
  zh-CN: 状态频繁变化的端口，次数最多的在前。两次轮询之间的变化无法看到，因此实际次数只多不少。
tags: [network, faults]
range: now-24h
params:
  least: {type: int, default: 4, min: 1, title: {en: Changes at least, zh-CN: 变化次数至少}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  interface: {title: {en: Interface, zh-CN: 接口}}
  alias: {title: {en: Description, zh-CN: 描述}}
  changes: {warn: 10, crit: 50, title: {en: Changes, zh-CN: 变化次数}}
  times_down: {title: {en: Times down, zh-CN: 断开次数}}
  up_pct: {unit: "%", digits: 1, bar: true, title: {en: Polls in which it was up, zh-CN: 连通占比}}
  state: {title: {en: State now, zh-CN: 当前状态}}
  last_change: {title: {en: Last change, zh-CN: 最近变化}}
chart: {type: bar, x: interface, y: changes, series: host}
---*/
-- Only ports that were seen in more than one state need a closer look.
WITH restless AS (
  SELECT host, interface
  FROM interface
  WHERE ts >= $from AND ts < $to
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY host, interface
  HAVING min(state) <> max(state)
),
step AS (
  SELECT host, interface, ts, alias, state,
         lag(state) OVER (PARTITION BY host, interface ORDER BY ts) AS before
  FROM interface JOIN restless USING (host, interface)
  WHERE ts >= $from AND ts < $to AND state IS NOT NULL
)
SELECT host, interface,
       max_by(alias, ts) AS alias,
       count(*) FILTER (state <> before) AS changes,
       count(*) FILTER (before = 'up' AND state <> 'up') AS times_down,
       round(100.0 * count(*) FILTER (state = 'up') / count(*), 2) AS up_pct,
       max_by(state, ts) AS state,
       max(ts) FILTER (state <> before) AS last_change
FROM step
GROUP BY host, interface
HAVING count(*) FILTER (state <> before) >= $least
ORDER BY changes DESC, host, interface
