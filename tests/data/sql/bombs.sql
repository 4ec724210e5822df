-- Questions that ask for too much: one a line, each ends at a limit and harms nobody.

SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range + b.range = 3
SELECT max(a.range * b.range % 7) FROM range(3000000000) a, range(1000) b
SELECT count(DISTINCT range::VARCHAR || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxx') FROM range(3000000000)
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r
WITH RECURSIVE r(s) AS (SELECT 'ab' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r
SELECT length(repeat('x', 3000000000))
SELECT length(lpad('x', 2000000000, 'y')) + length(repeat(repeat('x', 1000000000), 4))
SELECT len(range(3000000000))
SELECT list_reduce(range(30000000), lambda x, y: (x * y) % 1000003) FROM range(1000)
SELECT levenshtein(repeat('ab', 100000), repeat('ba', 100000))
SELECT sum(length(regexp_replace(repeat('a', 100000) || range::VARCHAR, '(a|aa|aaa)*(a?){50}b', 'x'))) FROM range(100000000)
SELECT list_aggregate(list_sort(range(400000000)), 'sum') FROM range(100)
SELECT * FROM range(1000000000) ORDER BY hash(range) OFFSET 900000000
SELECT string_agg(repeat('x', 1000), '') FROM range(100000000)
SELECT a.range, count(*), list(b.range) FROM range(100000) a, range(100000) b GROUP BY ALL ORDER BY 2
SELECT unnest(generate_series(1, 1000000000)) AS a, md5(random()::VARCHAR) AS b ORDER BY b
