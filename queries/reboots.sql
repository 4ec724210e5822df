/*---
title: {en: Reboots, zh-CN: 重启记录}
description:
  en: Every reboot that was seen, newest first; how long the host had been up before, and how long it did not answer around it.
  zh-CN: 观察到的每次重启，最新的在前；包括重启前的运行时长以及重启前后无应答的时长。
tags: [availability, changes]
range: now-30d
params:
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  ts: {title: {en: Seen at, zh-CN: 发现时间}}
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  up_before_s: {unit: s, title: {en: Up before, zh-CN: 之前运行时长}}
  no_answer_s: {unit: s, title: {en: Without a good poll, zh-CN: 无应答时长}}
  planned: {title: {en: In planned downtime, zh-CN: 计划停机内}}
  in_range: {warn: 3, title: {en: Reboots in the range, zh-CN: 期间重启次数}}
  message: {title: {en: How it shows, zh-CN: 说明}}
---*/
WITH reboot AS (
  SELECT ts, host, message, count(*) OVER (PARTITION BY host) AS in_range
  FROM event
  WHERE kind = 'reboot' AND ts >= $from AND ts < $to
    AND ($host = '' OR host = $host)
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
),
-- The last uptime that was read before, and the last good poll.
uptime AS (
  SELECT r.ts, r.host, max_by(s.uptime_s, s.ts) AS up_before_s
  FROM reboot r JOIN system s ON s.host = r.host AND s.ts < r.ts
  WHERE s.ts >= $from - INTERVAL 1 DAY AND s.ts < $to AND s.uptime_s IS NOT NULL
  GROUP BY r.ts, r.host
),
answer AS (
  SELECT r.ts, r.host, max(p.ts) AS last_good
  FROM reboot r JOIN poll p ON p.host = r.host AND p.ts < r.ts
  WHERE p.ts >= $from - INTERVAL 1 DAY AND p.ts < $to AND p.ok
  GROUP BY r.ts, r.host
)
SELECT r.ts, r.host, u.up_before_s,
       (epoch(r.ts) - epoch(a.last_good))::BIGINT AS no_answer_s,
       EXISTS (FROM downtime d
               WHERE d.host = r.host AND d.from_ts <= r.ts AND r.ts < coalesce(d.to_ts, 'infinity')) AS planned,
       r.in_range, r.message
FROM reboot r
LEFT JOIN uptime u ON u.ts = r.ts AND u.host = r.host
LEFT JOIN answer a ON a.ts = r.ts AND a.host = r.host
ORDER BY r.ts DESC, r.host
