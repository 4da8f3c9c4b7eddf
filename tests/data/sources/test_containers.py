"""Databases and tables that hold many images with their texts."""

import logging

import pytest
from dataset_folder import IMAGE, Folder

from aocr.data.records import schema
from aocr.util.errors import UserError

lmdb = pytest.importorskip("lmdb", reason="the extra formats is not installed")
pyarrow = pytest.importorskip("pyarrow", reason="the extra formats is not installed")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def folder(tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path, caplog)


def write_lmdb(path, values):
    path.mkdir(parents=True)
    with lmdb.open(str(path), map_size=2**24) as database, database.begin(write=True) as writer:
        for key, value in values.items():
            writer.put(key.encode(), value)
    (path / "lock.mdb").unlink()


def test_databases_of_clovaai(folder):
    samples = {"num-samples": b"3", "image-000000001": IMAGE, "label-000000001": "é".encode()}
    write_lmdb(
        folder.path / "set/train/MJ",
        samples
        | {"image-000000002": IMAGE}
        | {"image-000000003": b"broken", "label-000000003": b"C"},
    )
    write_lmdb(
        folder.path / "set/test/x",
        {"num-samples": b"1", "image_hr-000000001": IMAGE, "label-000000001": b"zoom"},
    )
    assert folder.build_from("set", force_uppercase=False) == 2
    assert folder.labels() == ["zoom", "é"]
    errors = folder.messages(logging.ERROR)
    assert any("set/train/MJ, sample 2: no label of this number" in each for each in errors)
    assert any("set/train/MJ, sample 3: not a readable image" in each for each in errors)
    assert folder.build_from("set", part="test") == 1
    assert folder.build_from("set/test/x/data.mdb") == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"total_number": b"2", "0": b"a.png A"}, "it holds texts only"),
        ({"num-samples": b"many"}, "num-samples is b'many'"),
        ({"x": b"y"}, "num-samples is missing"),
        ({"num-samples": b"9" * 5000}, "num-samples is b'9999"),
    ],
)
def test_other_databases_are_refused(folder, values, message):
    write_lmdb(folder.path / "set", values)
    with pytest.raises(UserError, match=f"set: not a database of images and labels: {message}"):
        folder.build_from("set")


IMAGE_STRUCT = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])


def table(rows, columns=("image", "text")):
    images = pyarrow.array([image for image, _ in rows], IMAGE_STRUCT)
    texts = pyarrow.array([text for _, text in rows], pyarrow.string())
    return pyarrow.table(dict(zip(columns, (images, texts), strict=True)))


def test_parquet_files_and_their_parts(folder):
    (folder.path / "set").mkdir()
    folder.write("set/b.png", IMAGE)
    rows = [({"bytes": IMAGE, "path": "a.png"}, "007"), ({"bytes": None, "path": "b.png"}, "true")]
    parquet.write_table(table(rows), folder.path / "set/train-00000-of-00001.parquet")
    rows = [({"bytes": IMAGE, "path": None}, "x"), ({"bytes": IMAGE, "path": None}, None)]
    parquet.write_table(table(rows), folder.path / "set/test-00000-of-00001.parquet")
    assert folder.build_from("set", force_uppercase=False) == 3
    assert folder.labels() == ["x", "007", "true"]
    assert any("row 2: no text" in each for each in folder.messages(logging.ERROR))
    assert folder.build_from("set", part="train") == 2
    assert folder.build_from("set/train-00000-of-00001.parquet") == 2


def test_columns_of_other_names(folder):
    path = folder.path / "x.parquet"
    parquet.write_table(table([({"bytes": IMAGE, "path": ""}, "A")], ("bild", "inhalt")), path)
    assert folder.build_from("x.parquet") == 1  # one column of images, one of texts
    two = table([({"bytes": IMAGE, "path": ""}, "A")], ("bild", "inhalt"))
    two = two.append_column("mehr", pyarrow.array(["B"]))
    parquet.write_table(two, path)
    with pytest.raises(UserError, match="'mehr', none is known: give --label-column=NAME"):
        folder.build_from("x.parquet")
    assert folder.build_from("x.parquet", label_column="mehr") == 1
    assert folder.labels() == ["B"]


def test_saved_datasets(folder):
    data = table([({"bytes": IMAGE, "path": None}, "A"), ({"bytes": IMAGE, "path": None}, "B")])
    for part in ("train", "test"):
        (folder.path / "set" / part).mkdir(parents=True)
        folder.write(f"set/{part}/dataset_info.json", b"{}")
        name = f"set/{part}/data-00000-of-00001.arrow"
        with pyarrow.OSFile(name, "wb") as file, pyarrow.ipc.new_stream(file, data.schema) as w:
            w.write_table(data)
    folder.write("set/dataset_dict.json", b'{"splits": ["train", "test"]}')
    assert folder.build_from("set") == 4
    assert folder.build_from("set", part="test") == 2
    assert folder.build_from("set/train") == 2


def ketos(folder, train):
    line = pyarrow.struct([("text", pyarrow.string()), ("im", pyarrow.binary())])
    rows = [{"text": "one", "im": IMAGE}, {"text": "two", "im": IMAGE}]
    columns = {"lines": pyarrow.array(rows, line)}
    columns |= {"train": pyarrow.array(train), "validation": pyarrow.array([False, False])}
    data = pyarrow.table(columns)
    name = folder.name("x.arrow")
    with pyarrow.OSFile(name, "wb") as file, pyarrow.ipc.new_file(file, data.schema) as writer:
        writer.write_table(data, max_chunksize=1)


def test_compiled_lines_of_kraken(folder):
    ketos(folder, [True, False])
    assert folder.build_from("x.arrow", force_uppercase=False) == 2
    assert folder.labels() == ["one", "two"]
    assert folder.build_from("x.arrow", part="train") == 1
    with pytest.raises(UserError, match="no line of it is marked as validation"):
        folder.build_from("x.arrow", part="validation")


def test_records(folder):
    records = schema.serialize(IMAGE, "é", "a.png"), schema.serialize(IMAGE, "B")
    import tensorflow as tf

    with tf.io.TFRecordWriter("x.tfrecords") as writer:
        for record in records:
            writer.write(record)
    assert folder.build_from("x.tfrecords", force_uppercase=False) == 2
    assert folder.labels() == ["é", "B"]


@pytest.mark.parametrize("content", [b"PAR1 cut", b"ARROW1 cut"])
def test_files_that_break_off_are_named(folder, content):
    folder.write("x.bin", content)
    with pytest.raises(UserError, match=r"x\.bin"):
        folder.build_from("x.bin")


def test_a_part_of_what_has_none_is_refused(folder):
    with pytest.raises(UserError, match="--split=train is for sources that have such parts"):
        folder.build("a.png A\n", part="train")


def test_a_database_that_promises_more_than_it_holds_is_refused(folder):
    write_lmdb(folder.path / "set", {"num-samples": b"99999999999"})
    with pytest.raises(UserError, match="num-samples is 99999999999, but it holds fewer"):
        folder.build_from("set")


def test_a_database_that_breaks_off_is_refused(folder):
    write_lmdb(folder.path / "set", {"num-samples": b"1", "image-000000001": 2**16 * b"x"})
    path = folder.path / "set/data.mdb"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="set: data.mdb breaks off"):
        folder.build_from("set")


def test_the_part_of_a_database_is_not_that_of_a_folder_above_it(folder):
    samples = {"num-samples": b"1", "image-000000001": IMAGE, "label-000000001": b"A"}
    write_lmdb(folder.path / "train/words/valid", samples)
    assert folder.build_from("train/words", part="validation") == 1
    with pytest.raises(UserError, match="no usable sample"):
        folder.build_from("train/words", part="train")


OTHER_TYPES = ([1], [[IMAGE]], [{"bytes": {"a": 1}, "path": [1]}], [{"x": 1}], [None], [b""])


@pytest.mark.parametrize("images", OTHER_TYPES)
def test_an_image_of_another_type_is_named(folder, images):
    data = pyarrow.table({"image": pyarrow.array(images), "text": pyarrow.array(["A"])})
    parquet.write_table(data, folder.path / "x")
    with pytest.raises(UserError, match="x has no usable row .1 row rejected"):
        folder.build_from("x")


def test_texts_that_repeat_may_be_stored_once(folder):
    texts = pyarrow.array(["007", "007"]).dictionary_encode()
    data = pyarrow.table({"image": pyarrow.array([IMAGE, IMAGE]), "text": texts})
    parquet.write_table(data, folder.path / "x.parquet")
    assert folder.build_from("x.parquet") == 2
    assert folder.labels() == ["007", "007"]
