// The SQL peer of the sweep bench: DuckDB in memory on two threads.
//
//   node duckdb.mjs FOLDER PEERS NOW ROUNDS RESULT
//
// FOLDER holds load.sql with its CSV files, and POLICY.rows: the rows that our sweep says match, a
// number a line. PEERS holds POLICY.sql. Every policy's rows are compared with ours before anything
// is timed; any difference is printed and ends the run with status 1. RESULT gets the times as JSON.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DuckDBInstance } from '@duckdb/node-api';

const [folder, peers, now, rounds, resultFile] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await instance.connect();

const policies = JSON.parse(await readFile(join(folder, 'policies.json'), 'utf8'));
for (const statement of (await readFile(join(folder, 'load.sql'), 'utf8')).split(';\n')) {
  if (statement.trim() !== '') await connection.run(statement);
}

async function textOf(policy) {
  const text = await readFile(join(peers, `${policy}.sql`), 'utf8');
  return text.trim().replaceAll('$now', `TIMESTAMP '${now}'`);
}

async function rowsOf(sql) {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows().map((row) => Number(row[0]));
}

// Rows that only one of the two has.
async function compare(policy, sql) {
  const ours = `SELECT "row" FROM read_csv('${join(folder, `${policy}.rows`)}', header = false,
                columns = {'row': 'INTEGER'})`;
  const onlyOurs = await rowsOf(`${ours} EXCEPT (${sql}\n) ORDER BY 1`);
  const onlyTheirs = await rowsOf(`(${sql}\n) EXCEPT ${ours} ORDER BY 1`);
  const [[count], [ourCount]] = [
    await rowsOf(`SELECT count(*) FROM (${sql}\n)`),
    await rowsOf(`SELECT count(*) FROM (${ours})`),
  ];
  if (onlyOurs.length === 0 && onlyTheirs.length === 0 && count === ourCount) return count;
  console.error(
    `${policy}: rescind says ${ourCount} rows, DuckDB ${count}.` +
      ` Only rescind: ${onlyOurs.length} (${onlyOurs.slice(0, 10).join(' ')});` +
      ` only DuckDB: ${onlyTheirs.length} (${onlyTheirs.slice(0, 10).join(' ')})`,
  );
  return undefined;
}

const texts = new Map();
const counts = new Map();
for (const policy of policies) {
  texts.set(policy, await textOf(policy));
  counts.set(policy, await compare(policy, texts.get(policy)));
}
if ([...counts.values()].includes(undefined)) process.exit(1);

function medianOf(times) {
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
}

// Counting the rows spares DuckDB handing them over.
const results = [];
for (const policy of policies) {
  const sql = `SELECT count(*) FROM (${texts.get(policy)}\n)`;
  const times = [];
  const processorTimes = [];
  for (let round = 0; round <= Number(rounds); ++round) {
    const begin = performance.now();
    const used = process.cpuUsage();
    await connection.runAndReadAll(sql);
    if (round === 0) continue;
    times.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(used);
    processorTimes.push((user + system) / 1000);
  }
  results.push({
    policy,
    rows: counts.get(policy),
    median_ms: medianOf(times),
    median_cpu_ms: medianOf(processorTimes),
  });
}
const version = (await connection.runAndReadAll('SELECT version()')).getRows()[0][0];
await writeFile(resultFile, JSON.stringify({ peer: `DuckDB ${version}`, policies: results }));
