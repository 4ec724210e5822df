/*---
title: {en: Models and versions in use, zh-CN: 型号与版本统计}
description:
  en: How many hosts there are of each vendor, model and version; what stands alone is often forgotten.
  zh-CN: 各厂商、型号、版本的主机数量；孤立的版本往往是被遗忘的设备。
tags: [inventory]
params:
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  vendor: {title: {en: Vendor, zh-CN: 厂商}}
  model: {title: {en: Model, zh-CN: 型号}}
  version: {title: {en: Version or system, zh-CN: 版本或系统}, link: "/q/inventory?search={version}"}
  hosts: {bar: true, title: {en: Hosts, zh-CN: 主机数}}
  share_pct: {unit: "%", digits: 1, title: {en: Share, zh-CN: 占比}}
  example: {link: "/hosts/{example}", title: {en: For example, zh-CN: 例如}}
---*/
SELECT vendor, model, coalesce(version, os) AS version,
       count(*) AS hosts,
       round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS share_pct,
       min(name) AS example
FROM host
WHERE removed_at IS NULL AND first_seen < $to
  AND ($group = '' OR name IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY vendor, model, coalesce(version, os)
ORDER BY hosts DESC, vendor NULLS LAST, model NULLS LAST, version NULLS LAST
