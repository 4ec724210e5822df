/*---
title: {en: Hosts with zombie processes, zh-CN: 有僵尸进程的主机}
description:
  en: Processes that have ended but were not collected by their parent. A few for a moment are normal; some that stay are a fault of the parent.
  zh-CN: 已结束但父进程尚未回收的进程。短暂出现属正常；长期存在说明父进程有问题。
tags: [process]
range: now-24h
params:
  least: {type: int, default: 1, min: 1, title: {en: At least, zh-CN: 至少}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  zombies: {warn: 1, crit: 50, title: {en: Now, zh-CN: 当前}}
  max_zombies: {title: {en: Maximum, zh-CN: 最大}}
  present_pct: {unit: "%", digits: 1, bar: true, title: {en: Share of polls with some, zh-CN: 出现的轮询占比}}
  last_seen: {title: {en: Last seen, zh-CN: 最近出现}}
chart: {type: bar, x: host, y: max_zombies}
---*/
SELECT host,
       max_by(zombie, ts) AS zombies,
       max(zombie) AS max_zombies,
       round(100.0 * count(*) FILTER (zombie >= $least) / count(*), 2) AS present_pct,
       max(ts) FILTER (zombie >= $least) AS last_seen
FROM process_state
WHERE ts >= $from AND ts < $to AND zombie IS NOT NULL
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY host
HAVING max(zombie) >= $least
ORDER BY zombies DESC, max_zombies DESC, host
