"""pyarrow: a table through Parquet and back by memory map, a dataset with a filter, and IPC in a mapped file."""

import os
import tempfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

ROWS = 400_000
pa.set_cpu_count(2)
pa.set_io_thread_count(2)


def table():
    numbers = list(range(ROWS))
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "group": pa.array([f"g{n % 13}" for n in numbers]).dictionary_encode(),
            "value": pa.array([n * 0.5 if n % 10 else None for n in numbers], pa.float64()),
        }
    )


def parquet(t, folder):
    file = os.path.join(folder, "t.parquet")
    pq.write_table(t, file, row_group_size=50_000, compression="zstd")
    again = pq.read_table(file, memory_map=True)
    assert again.column("id").equals(t.column("id")) and again.column("value").equals(t.column("value"))
    meta = pq.ParquetFile(file).metadata
    assert meta.num_row_groups == 8 and meta.num_rows == ROWS
    print("parquet", meta.num_row_groups, again.column("value").null_count)


def dataset(t, folder):
    root = os.path.join(folder, "parts")
    ds.write_dataset(t, root, format="parquet", partitioning=ds.partitioning(pa.schema([("group", pa.string())]), flavor="hive"))
    found = ds.dataset(root, partitioning="hive").to_table(filter=(ds.field("group") == "g5") & (ds.field("id") < 1000))
    assert sorted(found.column("id").to_pylist()) == list(range(5, 1000, 13))
    print("dataset", len(os.listdir(root)), found.num_rows)


def ipc(t, folder):
    file = os.path.join(folder, "t.arrow")
    with pa.OSFile(file, "wb") as sink, pa.ipc.new_file(sink, t.schema) as writer:
        writer.write_table(t, max_chunksize=100_000)
    with pa.memory_map(file, "r") as source:
        again = pa.ipc.open_file(source).read_all()
        assert again.equals(t)
        print("ipc", os.path.getsize(file) // 1_000_000, pc.sum(again.column("id")).as_py())


def grouped(t):
    sums = t.group_by("group").aggregate([("id", "sum")])
    got = dict(zip(sums.column("group").to_pylist(), sums.column("id_sum").to_pylist()))
    assert got == {f"g{k}": sum(range(k, ROWS, 13)) for k in range(13)}
    print("group_by", sorted(got.items())[0])


t = table()
with tempfile.TemporaryDirectory() as folder:
    parquet(t, folder)
    dataset(t, folder)
    ipc(t, folder)
grouped(t)
