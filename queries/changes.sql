/*---
title: {en: What changed, zh-CN: 变更记录}
description:
  en: Hosts that came and went, ports and disks that appeared or were renamed, and every text that changed (versions, serial numbers, descriptions, speeds), newest first.
  zh-CN: 新增和移除的主机、新出现或改名的端口与磁盘，以及版本、序列号、描述、速率等信息的变化，最新的在前。
tags: [inventory, changes]
range: now-7d
params:
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  ts: {title: {en: Time, zh-CN: 时间}}
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  change: {title: {en: Change, zh-CN: 变更}}
  thing: {title: {en: Of, zh-CN: 对象}}
  fact: {title: {en: What, zh-CN: 内容}}
  before: {title: {en: Before, zh-CN: 之前}}
  after: {title: {en: After, zh-CN: 之后}}
---*/
WITH told AS (
  SELECT host, table_name, entity, fact, value, valid_from,
         lag(value) OVER (PARTITION BY host, table_name, entity, fact ORDER BY valid_from) AS before,
         row_number() OVER (PARTITION BY host, table_name, entity, fact ORDER BY valid_from) AS place
  FROM fact
),
change AS (
  -- A period begins when any fact of the thing changes: this one has changed only if it differs.
  SELECT valid_from AS ts, host, 'fact' AS change,
         CASE table_name WHEN 'host' THEN '' ELSE concat(table_name, ' ', entity) END AS thing,
         fact, before, value AS after
  FROM told
  WHERE place > 1 AND value IS DISTINCT FROM before AND valid_from >= $from AND valid_from < $to
  UNION ALL
  SELECT ts, host, kind, subject, NULL, NULL, message
  FROM event
  WHERE ts >= $from AND ts < $to AND kind IN ('rename', 'entity_new', 'host_key_trusted', 'engine_changed')
  UNION ALL
  SELECT first_seen, name, 'host_added', '', NULL, NULL, address
  FROM host WHERE first_seen >= $from AND first_seen < $to
  UNION ALL
  SELECT removed_at, name, 'host_removed', '', NULL, address, NULL
  FROM host WHERE removed_at >= $from AND removed_at < $to
)
SELECT ts, host, change, thing, fact, before, after
FROM change
WHERE ($host = '' OR host = $host)
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
ORDER BY ts DESC, host, change, thing, fact
