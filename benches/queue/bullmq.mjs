// The same two figures for BullMQ: a worker in a process of its own, jobs that do nothing.
import { fork } from "node:child_process";
import { Queue, QueueEvents, Worker } from "bullmq";

const connection = { path: process.env.SOCKET, maxRetriesPerRequest: null };
const IDLE = 500, BUSY = 20_000, SLOTS = 64;

if (process.argv[2] === "worker") {
  const worker = new Worker("bench", async () => null, { connection, concurrency: SLOTS });
  await worker.waitUntilReady();
  process.on("disconnect", () => process.exit());
  process.send("ready");
} else {
  const child = fork(process.argv[1], ["worker"]);
  await new Promise((ready) => child.once("message", ready));
  const queue = new Queue("bench", { connection, defaultJobOptions: { removeOnComplete: true } });
  const events = new QueueEvents("bench", { connection });
  await events.waitUntilReady();
  const latencies = [];
  for (let index = 0; index < IDLE; index++) {
    await new Promise((done) => setTimeout(done, 2 + ((index * 7) % 13)));
    const started = process.hrtime.bigint();
    const job = await queue.add("asked", {}, { removeOnComplete: 1000 });
    await job.waitUntilFinished(events);
    latencies.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  latencies.sort((a, b) => a - b);
  const started = process.hrtime.bigint();
  for (let chunk = 0; chunk < BUSY / 500; chunk++) {
    await queue.addBulk(Array.from({ length: 500 }, () => ({ name: "noop", data: { path: "a.png" } })));
  }
  for (;;) {
    const counts = await queue.getJobCounts("waiting", "active", "prioritized", "delayed");
    if (Object.values(counts).every((count) => count === 0)) break;
    await new Promise((done) => setTimeout(done, 2));
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const [p50, p99] = [latencies[IDLE / 2], latencies[Math.floor(IDLE * 0.99)]].map((ms) => ms.toFixed(2).padStart(8));
  console.log(`${"BullMQ".padEnd(20)} ${p50} ms ${p99} ms   ${(BUSY / seconds).toFixed(0).padStart(19)}`);
  child.kill();
  process.exit(0);
}
