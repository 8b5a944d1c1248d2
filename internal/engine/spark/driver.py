"""Carries frames between Spark and quern. Spark schedules, shuffles and retries; what is in a frame is quern's business.

    spark-submit --files quern driver.py SOCKET          quern waits behind a Unix socket
    spark-submit --files quern driver.py start ARGUMENTS quern is started, and speaks on its standard input and output

A frame is its type, the version, two zeros, then key, sender, number and length (little-endian, four bytes each), the
payload, and a CRC-32C. docs/protocol.md has the whole of it. Python 3.8 and Spark 3.5 are enough.
"""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from pyspark import SparkConf, SparkContext, SparkFiles

VERSION = 1
HELLO, JOB, STATE, INPUT, BLOCK, SUMMARY, FAILURE, PROGRESS, RUN, DONE, END = range(1, 12)
HEADER = "<BBHIIII"  # a struct.Struct does not travel
HEAD = struct.calcsize(HEADER)
AROUND = HEAD + 4  # bytes of a frame that are not its payload
DRIVER = 0xFFFFFFFF
TOGETHER = 64  # inputs of tasks that are broadcast together
TOLD = 256  # summaries that Spark hands over in one piece, half a megabyte each at most: Spark's own limit for one is 1 GB


def crc32c(data, table=[]):
    if not table:
        for i in range(256):
            for _ in range(8):
                i = (i >> 1) ^ (0x82F63B78 if i & 1 else 0)
            table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:  # only what is made here: a few bytes
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def make(kind, payload=b"", key=0):
    data = struct.pack(HEADER, kind, VERSION, 0, key, 0, 0, len(payload)) + payload
    return data + struct.pack("<I", crc32c(data))


def read(file):
    """One frame: its type, key and all its bytes. None if the stream has stopped."""
    head = file.read(HEAD)
    if len(head) < HEAD:
        return None
    kind, version, _, key, _, _, size = struct.unpack(HEADER, head)
    if version != VERSION:
        raise RuntimeError("quern: a frame of version %d; driver and binary must be of one build" % version)
    rest = file.read(size + 4)
    if len(rest) < size + 4:
        return None
    return kind, key, head + rest


def work(index, blocks, stage, next_tasks, first, given):
    """One task: its frames go in, and what comes out is keyed by the task of the next stage that it is for."""
    command = [os.path.join(SparkFiles.getRootDirectory(), "quern"), "task", stage, str(index)]
    errors = tempfile.TemporaryFile()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=1 << 16)
    broken = []

    def feed():
        try:
            count = size = 0
            for part in ((f for f in first), iter([given]), (block for _, block in blocks)):
                for frame in part:
                    process.stdin.write(frame)
                    count += 1
                    size += len(frame) - AROUND
            process.stdin.write(make(END, struct.pack("<QQ", count, size)))
            process.stdin.flush()  # and stays open: the task ends if it closes
        except BaseException as e:
            broken.append(e)
            try:
                process.stdin.close()  # without an end, so that it cannot pass for all there is
            except OSError:
                pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        count = size = 0
        while True:
            frame = read(process.stdout)
            if frame is None:
                code = process.wait()
                errors.seek(0)
                text = errors.read()[-2000:].decode("utf-8", "replace").strip().replace("\n", "; ")
                cause = broken[0] if broken and not isinstance(broken[0], OSError) else text
                raise RuntimeError("quern task %s %d ended early with code %d: %s" % (stage, index, code, cause))
            kind, key, data = frame
            if kind == END:
                if struct.unpack("<QQ", data[HEAD : HEAD + 16]) != (count, size):
                    raise RuntimeError("quern task %s %d: frames are missing from what it wrote" % (stage, index))
                break
            count += 1
            size += len(data) - AROUND
            if kind == BLOCK:
                yield key, data
            elif kind in (SUMMARY, FAILURE):
                yield next_tasks + index // TOLD, data
        feeder.join()
        process.stdin.close()
        code = process.wait()
        if code != 0:
            raise RuntimeError("quern task %s %d ended with code %d" % (stage, index, code))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
        errors.close()


class Driver:
    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.count = self.size = 0
        self.lock = threading.Lock()
        self.shuffles = {}

    def send(self, data):
        with self.lock:
            self.sink.write(data)
            self.sink.flush()
            self.count += 1
            self.size += len(data) - AROUND

    def receive(self, *kinds):
        frame = read(self.source)
        if frame is None:
            raise SystemExit("quern has gone")
        if frame[0] not in kinds:
            raise SystemExit("a frame of type %d out of place" % frame[0])
        return frame

    def serve(self, sc):
        self.send(make(HELLO, json.dumps({"spark": sc.version, "cores": sc.defaultParallelism}).encode()))
        self.receive(HELLO)
        job = self.receive(JOB)[2]
        while True:
            kind, _, data = self.receive(RUN, END)
            if kind == END:
                return
            order = json.loads(data[HEAD : -4])
            hello, state = self.receive(HELLO)[2], self.receive(STATE)[2]
            inputs = [self.receive(INPUT)[2] for _ in range(order["tasks"])]
            done = threading.Event()
            watcher = threading.Thread(target=self.watch, args=(sc, done), daemon=True)
            watcher.start()
            try:
                for summaries in self.stage(sc, order, (hello, job, state), inputs):
                    for data in summaries:
                        self.send(data)
            except SystemExit:
                raise
            except Exception as e:
                self.send(make(FAILURE, cause(e).encode()[:4000], DRIVER))
                return
            finally:
                done.set()
                watcher.join()
            self.send(make(DONE))

    def watch(self, sc, done):
        """Tells how far the stage is. If quern has gone, there is nobody to work for."""
        while not done.wait(1.0):
            tracker, tasks = sc.statusTracker(), 0
            for stage in tracker.getActiveStageIds():
                info = tracker.getStageInfo(stage)
                tasks += info.numCompletedTasks if info else 0
            try:
                self.send(make(PROGRESS, str(tasks).encode()))
            except OSError:
                sc.cancelAllJobs()
                return

    def stage(self, sc, order, first, inputs):
        stage, tasks, onward = order["stage"], order["tasks"], order["next"]
        sc.setJobDescription("quern " + stage)
        first = sc.broadcast(first)
        # A worker loads what its tasks need, and not what there is: at 10 TB that would be hundreds of megabytes.
        inputs = [sc.broadcast(inputs[i : i + TOGETHER]) for i in range(0, tasks, TOGETHER)]
        if order["from"]:
            source = self.shuffles[order["from"]]  # its last partitions have the summaries of the stage before
        else:
            source = sc.parallelize(range(tasks), tasks).filter(lambda _: False)

        def run(index, blocks):
            if index < tasks:
                yield from work(index, blocks, stage, onward, first.value, inputs[index // TOGETHER].value[index % TOGETHER])
            for _ in blocks:  # a worker whose input is not read to its end is not used again: 0.3 s of imports each time
                pass

        result = source.mapPartitionsWithIndex(run)
        if onward == 0:
            yield sc.runJob(result, lambda found: [data for _, data in found], range(tasks))
            return
        told = range(onward, onward + 1 + (tasks - 1) // TOLD)
        result = result.partitionBy(told.stop, lambda key: key)
        self.shuffles[stage] = result
        # Only the last partitions are read, one after the other: blocks stay where they are until the next stage.
        for i in told:
            yield sc.runJob(result, lambda found: [data for _, data in found], [i])


def cause(e):
    """What went wrong, out of a page of Java."""
    text = str(e)
    found = re.findall(r"RuntimeError: (quern[^\n]*)", text)
    return found[-1] if found else "\n".join(text.splitlines()[:3])


def configure(conf):
    """What suits executors that only move blocks. What somebody has set stays as it is."""
    conf.setIfMissing("spark.app.name", "quern")
    conf.setIfMissing("spark.shuffle.compress", "false")  # blocks are sealed: they cannot be compressed
    conf.setIfMissing("spark.shuffle.spill.compress", "false")
    # The quick compiler only: to compile well takes longer here than what is compiled runs.
    options = ["-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xms64m"]
    given = conf.get("spark.executor.defaultJavaOptions", "") + " " + conf.get("spark.executor.extraJavaOptions", "")
    if not re.search(r"-XX:\+Use\w*GC", given):  # two collectors are none
        options.append("-XX:+UseSerialGC")
    conf.set("spark.executor.extraJavaOptions", " ".join(options + [conf.get("spark.executor.extraJavaOptions", "")]).strip())
    return conf


def main():
    sc = SparkContext(conf=configure(SparkConf()))
    child = None
    try:
        if sys.argv[1] == "start":
            command = [os.path.join(SparkFiles.getRootDirectory(), "quern"), *sys.argv[2:]]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            source, sink = child.stdout, child.stdin
        else:
            link = socket.socket(socket.AF_UNIX)
            link.connect(sys.argv[1])
            source, sink = link.makefile("rb"), link.makefile("wb")
        try:
            Driver(source, sink).serve(sc)
        except (SystemExit, OSError):
            if child is None:
                raise
    finally:
        sc.stop()
    if child:
        try:
            child.stdin.close()
        except OSError:
            pass
        sys.exit(child.wait())


if __name__ == "__main__":
    main()
