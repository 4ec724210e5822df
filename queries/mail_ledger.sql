/*---
title: {en: Who was told what, zh-CN: 通知记录}
description:
  en: Every decision about telling somebody, newest first. Sent or not, and why; the answer to "why did I get no mail?".
  zh-CN: 每一次通知决定及其原因，最新的在前——为什么没有收到邮件，这里有答案。
tags: [alerts, mail]
range: now-7d
params:
  action: {type: enum, values: ["", queued, grouped, suppressed, sent, retried, failed], default: "", title: {en: What became of it, zh-CN: 结果}}
  host: {type: host, default: "", title: {en: Host, zh-CN: 主机}}
  search: {type: text, default: "", title: {en: Rule or recipient contains, zh-CN: 规则或收件人包含}}
columns:
  ts: {title: {en: Time, zh-CN: 时间}}
  action: {title: {en: What became of it, zh-CN: 结果}}
  reason: {title: {en: Why, zh-CN: 原因}}
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  rule: {title: {en: Rule, zh-CN: 规则}}
  entity: {title: {en: Of, zh-CN: 对象}}
  receiver: {title: {en: Receiver, zh-CN: 接收方}}
  recipient: {title: {en: Address, zh-CN: 收件地址}}
  note: {title: {en: Note, zh-CN: 备注}}
  alert_id: {title: {en: Alert, zh-CN: 告警编号}}
  mail: {title: {en: Mail, zh-CN: 邮件}}
---*/
SELECT ts, action, reason, host, rule, entity, receiver, recipient, note, alert_id, mail
FROM notification
WHERE ts >= $from AND ts < $to
  AND ($action = '' OR action = $action)
  AND ($host = '' OR host = $host)
  AND ($search = '' OR contains(lower(concat_ws(' ', rule, receiver, recipient)), lower($search)))
ORDER BY ts DESC, alert_id, action, recipient
