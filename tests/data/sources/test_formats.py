"""Each form of labelled images, by what its writers write and its readers should get."""

import contextlib
import io
import json
import logging
import tarfile

import numpy as np
import pytest
from dataset_folder import IMAGE, Folder
from helpers import encoded
from PIL import Image, ImageDraw

from aocr.data.sources.common import Request
from aocr.data.sources.formats import FORMATS
from aocr.data.sources.opening import open_sources
from aocr.util.errors import UserError


@pytest.fixture
def folder(tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path, caplog)


def fill(folder, files):
    for name, content in files.items():
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def tar_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


IMAGES = {f"words/{name}": IMAGE for name in ("1.png", "2.png", "a b.png")}
MJ = "words/3000/7/182_slinking_71711.jpg"
IAM = "words/a01/a01-000u/a01-000u-00-00.png"
IAM_LINE = "words/lines/a01/a01-000u/a01-000u-00.png"

LISTS = {
    "tab": (
        {"words/rec_gt.txt": 'a b.png\tone "two"\r\n["1.png", "2.png"]\t same\n'},
        "words/rec_gt.txt",
        ['one "two"', " same", " same"],
    ),
    "icdar-words": (
        {"words/gt.txt": '\ufeff1.png, "Tired, ness"\n2.png, "say \\"no\\""\n'},
        "words/gt.txt",
        ["Tired, ness", 'say "no"'],
    ),
    "csv": (
        {"words/plates.csv": 'image_path,plate_text,plate_region\n1.png,007,EU\n2.png,"a, b",NA\n'},
        "words/plates.csv",
        ["007", "a, b"],
    ),
    "csv;": (
        {"words/x.csv": "Image;Transcription\n1.png;a,b\n"},
        "words/x.csv",
        ["a,b"],
    ),
    "easyocr": (
        {"words/labels.csv": "filename,words\n1.png,ab\n2.png,cd\n"},
        "words/labels.csv",
        ["ab", "cd"],
    ),
    "jsonl": (
        {
            "words/x.jsonl": '{"filename": "1.png", "text": "é"}\n'
            '{"filename": "2.png", "text": "b"}\n'
        },
        "words/x.jsonl",
        ["é", "b"],
    ),
    "mmocr": (
        {
            "words/x.json": json.dumps(
                {"metainfo": {}, "data_list": [{"img_path": "1.png", "instances": [{"text": "A"}]}]}
            )
        },
        "words/x.json",
        ["A"],
    ),
    "doctr": ({"words/labels.json": '{"1.png": "A", "2.png": "true"}'}, "words", ["A", "true"]),
    "mjsynth": (
        {"words/annotation_val.txt": "./3000/7/182_slinking_71711.jpg 71711\n", MJ: IMAGE},
        "words/annotation_val.txt",
        ["slinking"],
    ),
    "iam words": (
        {
            "words/words.txt": "#-- words\na01-000u-00-00 ok 154 408 768 27 51 AT A\n"
            "a01-000u-00-01 err 154 408 768 27 51 NN bad\n",
            "words/" + IAM: IMAGE,
        },
        "words/words.txt",
        ["A"],
    ),
    "iam lines": (
        {
            "words/lines.txt": "# x\na01-000u-00 err 154 19 408 746 1661 89 A|MOVE|to stop\n",
            IAM_LINE: IMAGE,
        },
        "words/lines.txt",
        ["A MOVE to stop"],
    ),
    "pairs": (
        {"lines/p1.l1.png": IMAGE, "lines/p1.l1.gt.txt": "one two\n", "lines/x.bin.png": IMAGE}
        | {"lines/x.gt.txt": "three", "lines/no.png": IMAGE},
        "lines",
        ["one two", "three"],
    ),
    "imagefolder": (
        {"set/train/metadata.csv": "file_name,text\ntest_1.png,A\n", "set/train/test_1.png": IMAGE}
        | {"set/test/metadata.csv": "file_name,text\n2.png,B\n", "set/test/2.png": IMAGE},
        "set",
        ["B", "A"],
    ),
    "webdataset": (
        {
            "x.tar": tar_of(
                [("a/1.png", IMAGE), ("a/1.txt", b"one\n"), ("a/2.PNG", IMAGE)]
                + [("a/2.json", b'{"text": "two"}'), ("b.png", IMAGE)]
            )
        },
        "x.tar",
        ["one", "two"],
    ),
}


@pytest.mark.parametrize(("files", "source", "labels"), LISTS.values(), ids=LISTS)
def test_a_form_is_found_and_read(folder, files, source, labels):
    fill(folder, IMAGES | files)
    assert folder.build_from(source, force_uppercase=False, normalize=False) == len(labels)
    assert folder.labels() == labels
    assert any(" -> " in message for message in folder.messages(logging.INFO))


PAGE = Image.new("L", (200, 100), 255)
PAGE.paste(0, (20, 10, 120, 40))  # black where the first line is
PAGE_FILE = encoded(PAGE)
ALTO = """<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description>
<MeasurementUnit>{unit}</MeasurementUnit><sourceImageInformation><fileName>p.png</fileName>
</sourceImageInformation></Description><Layout><Page WIDTH="{w}" HEIGHT="{h}"><PrintSpace>
<ComposedBlock><TextBlock><TextLine ID="l1" HPOS="{x}" VPOS="{y}" WIDTH="{a}" HEIGHT="{b}">
<String CONTENT="one"/><SP/><String CONTENT="tw" SUBS_CONTENT="two"/><HYP CONTENT="-"/>
</TextLine></TextBlock></ComposedBlock></PrintSpace></Page></Layout></alto>"""
PIXELS = {"unit": "pixel", "w": 200, "h": 100, "x": 20, "y": 10, "a": 100, "b": 30}
QUAD = [[20, 10], [120, 10], [120, 40], [20, 40]]

PAGES = {
    "page": (
        '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
        '<Page imageFilename="p.png"><TextRegion><TextLine id="l1">'
        '<Coords points="20,10 120,10 120,40 20,40"/><TextEquiv index="1"><Unicode>worse</Unicode>'
        '</TextEquiv><TextEquiv index="0"><Unicode>one tw-</Unicode></TextEquiv></TextLine>'
        "</TextRegion></Page></PcGts>",
        "p.xml",
    ),
    "page of words": (
        '<PcGts><Page imageFilename="p.png"><TextLine><Coords><Point x="20" y="10"/>'
        '<Point x="120" y="10"/><Point x="120" y="40"/><Point x="20" y="40"/></Coords>'
        "<Word><TextEquiv><Unicode>one</Unicode></TextEquiv></Word><Word><TextEquiv><Unicode>tw-"
        "</Unicode></TextEquiv></Word></TextLine></Page></PcGts>",
        "p.xml",
    ),
    "alto": (ALTO.format(**PIXELS), "p.xml"),
    "alto in mm10": (
        ALTO.format(
            **{k: v if k == "unit" else v * 5 for k, v in PIXELS.items() if k != "unit"},
            unit="mm10",
        ),
        "p.xml",
    ),
    "hocr": (
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><div class="ocr_page" '
        'title=\'image "p.png"; bbox 0 0 200 100\'><span class="ocr_line" '
        'title="bbox 20 10 120 40; baseline 0 -5"><span class="ocrx_word">one</span>\n'
        '<span class="ocrx_word">tw-</span></span></div></body></html>',
        "p.hocr",
    ),
    "ppocrlabel": (
        "pages/p.png\t" + json.dumps([{"transcription": "one tw-", "points": QUAD}]),
        "Label.txt",
    ),
    "icdar-boxes": ("\ufeff20,10,120,10,120,40,20,40,one tw-\n", "gt_p.txt"),
    "icdar-boxes 2013": ('20, 10, 120, 40, "one tw-"\n', "gt_p.txt"),
    "characters": (
        "o 20 60 30 90 0\nn 30 60 40 90 0\ne 40 60 50 90 0\n  50 60 60 90 0\n"
        "t 60 60 80 90 0\nw 80 60 100 90 0\n- 100 60 120 90 0\n\t 121 60 125 90 0\n",
        "p.box",
    ),
    "WordStr": ("WordStr 20 60 120 90 0 #one tw-\n\t 0 0 200 100 0\n", "p.box"),
    "cvat": (
        '<annotations><image name="p.png" width="200" height="100"><box label="t" xtl="20.00" '
        'ytl="10.00" xbr="120.00" ybr="40.00"><attribute name="text">one tw-</attribute></box>'
        "</image></annotations>",
        "annotations.xml",
    ),
    "label-studio": (
        json.dumps(
            [
                {
                    "data": {"ocr": "/data/upload/1/0a1b2c3d-p.png"},
                    "annotations": [
                        {
                            "result": [
                                {
                                    "id": "r",
                                    "type": "rectangle",
                                    "original_width": 200,
                                    "original_height": 100,
                                    "value": {
                                        "x": 10,
                                        "y": 10,
                                        "width": 50,
                                        "height": 30,
                                        "rotation": 0,
                                    },
                                },
                                {
                                    "id": "r",
                                    "type": "textarea",
                                    "original_width": 200,
                                    "original_height": 100,
                                    "value": {"text": ["one tw-"]},
                                },
                            ]
                        }
                    ],
                }
            ]
        ),
        "export.json",
    ),
}


@pytest.mark.parametrize(("content", "name"), PAGES.values(), ids=PAGES)
def test_a_line_is_cut_out_of_its_page(folder, content, name):
    fill(folder, {"pages/p.png": PAGE_FILE, f"pages/{name}": content})
    assert folder.build_from(f"pages/{name}", force_uppercase=False, save_filename=True) == 1
    (features,) = folder.features()
    assert features["label"] == b"one tw-"
    assert features["comment"].endswith(b"pages/p.png#xywh=20,10,100,30")
    cut = Image.open(io.BytesIO(features["image"]))
    assert cut.size == (100, 30)
    assert cut.getextrema() == (0, 0)


UPRIGHT = [[40, 10], [70, 10], [70, 90], [40, 90]]  # more than twice as high as wide


@pytest.mark.parametrize(("text", "size"), [("AB", (80, 30)), ("1", (30, 80))])
def test_a_line_that_runs_downwards_is_turned(folder, text, size):
    page = Image.new("L", (200, 100), 255)
    page.paste(0, (40, 70, 70, 90))  # the lower end, where the line ends
    boxes = json.dumps([{"transcription": text, "points": UPRIGHT}])
    fill(folder, {"pages/p.png": encoded(page), "pages/Label.txt": f"pages/p.png\t{boxes}"})
    assert folder.build_from("pages") == 1
    cut = Image.open(io.BytesIO(folder.features()[0]["image"]))
    assert cut.size == size
    assert cut.getpixel((5, 5) if text == "AB" else (5, 75)) == (255 if text == "AB" else 0)


def test_a_quadrilateral_is_made_a_rectangle(folder):
    page = Image.new("L", (200, 100), 255)
    corners = [(30, 10), (150, 40), (140, 80), (20, 50)]
    ImageDraw.Draw(page).polygon(corners, fill=0)
    boxes = json.dumps([{"transcription": "AB", "points": corners}])
    fill(folder, {"pages/p.png": encoded(page), "pages/Label.txt": f"pages/p.png\t{boxes}"})
    assert folder.build_from("pages") == 1
    cut = Image.open(io.BytesIO(folder.features()[0]["image"]))
    assert cut.size == (124, 41)
    assert np.asarray(cut)[2:-2, 2:-2].max() == 0  # nothing of the white around it


BAD = {
    "outside": ([[-50, 10], [20, 10], [20, 40], [-50, 40]], "A", "a region outside the page"),
    "flat": ([[20, 10], [120, 10], [120, 10], [20, 10]], "A", "less than a pixel wide or high"),
    "unreadable": (QUAD, "###", "marked as unreadable"),
    "empty": (QUAD, "", "a region without text"),
}


@pytest.mark.parametrize(("points", "text", "reason"), BAD.values(), ids=BAD)
def test_a_region_that_cannot_be_cut_out_is_named(folder, points, text, reason):
    boxes = json.dumps(
        [{"transcription": "B", "points": QUAD}, {"transcription": text, "points": points}]
    )
    fill(folder, {"pages/p.png": PAGE_FILE, "pages/Label.txt": f"pages/p.png\t{boxes}"})
    assert folder.build_from("pages") == 1
    assert any(
        "Label.txt, line 1, box 2: " in m and reason in m for m in folder.messages(logging.ERROR)
    )


def test_what_can_be_read_in_two_ways_is_not_guessed(folder):
    fill(folder, IMAGES | {"words/labels.csv": 'filename,words\n1.png,"a"\n'})
    with pytest.raises(
        UserError, match=r"1\.png,\"a\" is 'a' as csv, and '\"a\"' as easyocr: give"
    ):
        folder.build_from("words/labels.csv")
    assert folder.build_from("words/labels.csv", format="easyocr") == 1
    assert folder.labels() == ['"A"']


@pytest.mark.parametrize(
    ("names", "form", "label"),
    [
        (["12_HELLO.png", "13_YOU.png"], "id-label", "HELLO"),
        (["HELLO_0a1b2c3d4e.png"], "label-id", "HELLO"),
    ],
)
def test_names_with_an_id_are_not_guessed(folder, names, form, label):
    fill(folder, {f"words/{name}": IMAGE for name in names})
    with pytest.raises(UserError, match=f"as names, and '{label}' as {form}: give --format=names"):
        folder.build_from("words")
    assert folder.build_from("words", format=form) == len(names)
    assert folder.labels()[0] == label


HOSTILE = {
    "1.box": "A 0 0 2 2 0\nB 2 0 4 2 0\n",
    "bomb.xml": '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><PcGts>&b;</PcGts>',
    "file.xml": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><PcGts>&a;</PcGts>',
    "cut.xml": "<PcGts><Page",
    "deep.json": "[" * 1_000_000,
    "deep.jsonl": '{"image": "1.png", "text": "A"}\n{"x":' + "[" * 1_000_000,
    "twice.json": '{"1.png": "A", "1.png": "B"}',
    "half.json": '{"1.png": "A\\ud800"}',
    "other.json": '{"a": 1}',
    "x.jsonl": '{"filename": "1.png", "text": "A"}\n{"filename"\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_are_refused(folder, name):
    fill(folder, IMAGES | {f"words/{name}": HOSTILE[name]})
    with pytest.raises(UserError) as error:
        folder.build_from(f"words/{name}")
    assert f"words/{name}" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_link_in_an_archive_is_refused(folder):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("1.png")
        link.type, link.linkname = tarfile.SYMTYPE, "../../secret.png"
        archive.addfile(link)
    fill(folder, {"x.tar": buffer.getvalue()})
    with pytest.raises(UserError, match=r"x\.tar: 1\.png is no file, but a link or a device"):
        folder.build_from("x.tar")


def test_several_sources_are_read_one_after_the_other(folder):
    fill(
        folder,
        IMAGES | {"words/a.txt": "1.png A\nnosuch.png B\n", "words/b.csv": "file,text\n2.png,C\n"},
    )
    assert folder.build_from("words/a.txt", "words/b.csv") == 2
    assert folder.labels() == ["A", "C"]
    assert any("words/a.txt, line 2: no such file" in m for m in folder.messages(logging.ERROR))


def test_a_table_whose_columns_are_not_known_asks_for_them(folder):
    fill(folder, IMAGES | {"words/x.csv": "bild,inhalt,text\n1.png,A,B\n"})
    with pytest.raises(UserError, match="'bild', 'inhalt', 'text', none is known: give --image-c"):
        folder.build_from("words/x.csv", format="csv")
    options = {"image_column": "bild", "label_column": "inhalt"}
    assert folder.build_from("words/x.csv", **options) == 1
    assert folder.labels() == ["A"]


def test_the_one_list_of_a_folder_without_images_is_read(folder):
    fill(folder, {"set/images/1.png": IMAGE, "set/list.txt": "images/1.png A\n"})
    assert folder.build_from("set") == 1
    assert folder.labels() == ["A"]
    fill(folder, {"tab/images/1 2.png": IMAGE, "tab/labels.txt": "1 2.png\tB\n"})
    assert folder.build_from("tab", format="auto") == 1
    assert folder.labels() == ["B"]


OF_AOCR = {
    "numbers behind numbers in names": ("1_plate_71711.jpg", "1_plate_71711.jpg 71711"),
    "names as in IAM": ("a01-000u-00", "a01-000u-00 ok then"),
    "a comma that belongs to a name": ("1.png,", '1.png, "x"'),
    "names as of columns": ("image", "image\ttext"),
    "JSON as a label": ("[1].png", '[1].png {"a": 1}'),
}


@pytest.mark.parametrize(("name", "line"), OF_AOCR.values(), ids=OF_AOCR)
def test_a_list_whose_images_are_there_is_a_list(folder, name, line):
    fill(folder, {name: IMAGE})
    assert folder.build(line, force_uppercase=False) == 1
    assert folder.labels() == [line.removeprefix(name)[1:]]


LONG = {
    "doctr": ("words/labels.json", json.dumps({"1.png": "A"} | {"x" * 2**16: "B"}), ["A"]),
    "ppocrlabel": (
        "words/Label.txt",
        "words/1.png\t"
        + json.dumps(1500 * [{"transcription": "A", "points": [[0, 0], [3, 0], [3, 3], [0, 3]]}]),
        1500 * ["A"],
    ),
    "utf-16": ("words/x.csv", ("image,text\n" + 5000 * "1.png,é\n").encode("utf-16"), 5000 * ["é"]),
    "one object": ("words/x.jsonl", '{"image": "1.png", "text": "A", "id": 3}', ["A"]),
    "several images": ("words/x.txt", '1.png\tA\n["1.png","2.png"]\tB\n', ["A", "B", "B"]),
    "latin-1": (
        "words/x.xml",
        '<?xml version="1.0" encoding="latin-1"?><PcGts><Page imageFilename="1.png"><TextLine>'
        '<Coords points="0,0 3,0 3,3 0,3"/><TextEquiv><Unicode>é</Unicode></TextEquiv></TextLine>'
        "</Page></PcGts>".encode("latin-1"),
        ["é"],
    ),
}


@pytest.mark.parametrize(("path", "content", "labels"), LONG.values(), ids=LONG)
def test_the_form_is_found_in_any_length_and_encoding(folder, path, content, labels):
    fill(folder, IMAGES | {path: content})
    assert folder.build_from(path, force_uppercase=False) == len(labels)
    assert folder.labels() == labels


TWO = {
    "a quote behind a tab": (
        {"x.tsv": 'image\ttext\n1.png\t"a\n2.png\tb"\n'},
        "x.tsv",
        "csv",
        "tab",
    ),
    "counted numbers": ({"f/0_4821.png": IMAGE, "f/1_17.png": IMAGE}, "f", "names", "id-label"),
    "a label with _": ({"f/0_A_B.png": IMAGE, "f/1_C.png": IMAGE}, "f", "names", "id-label"),
}


@pytest.mark.parametrize(("files", "source", "one", "other"), TWO.values(), ids=TWO)
def test_two_readings_are_both_shown(folder, files, source, one, other):
    fill(folder, files)
    with pytest.raises(UserError, match=f"give --format={one} or --format={other}"):
        folder.build_from(source)


def test_texts_of_tesstrain_are_read_and_not_the_boxes_made_of_them(folder):
    fill(folder, {"f/1.png": IMAGE, "f/1.gt.txt": "A", "f/1.box": "B 0 0 3 3 0\n\t 3 0 4 3 0\n"})
    assert folder.build_from("f") == 1
    assert folder.labels() == ["A"]


@pytest.mark.parametrize("text", ["a\\nb", "a\\rb", "a\\u0000b"])
def test_a_text_that_is_no_line_is_named(folder, text):
    fill(folder, IMAGES | {"words/x.jsonl": f'{{"image": "1.png", "text": "{text}"}}\n'})
    with pytest.raises(UserError, match="no usable line"):
        folder.build_from("words/x.jsonl")
    assert any("line 1: " in message for message in folder.messages(logging.ERROR))


OUTSIDE = ("../../secret.png", "/dev/zero", "http://localhost/p.png")
DOCUMENTS = {
    "p.xml": '<PcGts><Page imageFilename="{}"/></PcGts>',
    "Label.txt": '{}\t[{{"transcription": "A", "points": []}}]',
    "c.xml": '<annotations><image name="{}"/></annotations>',
    "p.hocr": "<html><body><div class='ocr_page' title='image \"{}\"'/></body></html>",
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("image", OUTSIDE)
def test_a_document_names_no_image_outside_its_folder(folder, name, image):
    fill(folder, {"secret.png": PAGE_FILE, f"a/b/{name}": DOCUMENTS[name].format(image)})
    with pytest.raises(UserError, match=f"a/b/{name}: it names the image '{image}', which is not"):
        folder.build_from(f"a/b/{name}")


def test_corners_the_other_way_round_are_turned_and_crossing_ones_named(folder):
    a, b, c, d = QUAD
    page = PAGE.copy()
    page.paste(255, (20, 10, 70, 40))  # only the right half is black
    boxes = [{"transcription": "A", "points": p} for p in ([a, d, c, b], [a, c, b, d])]
    fill(folder, {"pages/p.png": encoded(page), "pages/Label.txt": f"p.png\t{json.dumps(boxes)}"})
    assert folder.build_from("pages") == 1
    cut = Image.open(io.BytesIO(folder.features()[0]["image"]))
    assert [cut.getpixel((x, 15)) for x in (10, 90)] == [255, 0]
    assert any("its sides cross" in message for message in folder.messages(logging.ERROR))


def test_the_margin_is_around_quadrilaterals_too(folder):
    corners = [(30, 10), (150, 40), (140, 80), (20, 50)]
    boxes = json.dumps([{"transcription": "AB", "points": corners}])
    fill(folder, {"pages/p.png": PAGE_FILE, "pages/Label.txt": f"p.png\t{boxes}"})
    assert folder.build_from("pages", crop_margin=5) == 1
    assert Image.open(io.BytesIO(folder.features()[0]["image"])).size == (134, 51)


NUMBERS = ("1e400", "NaN", "1" + "0" * 400, '"a"', "null", "[]")


@pytest.mark.parametrize("value", NUMBERS)
def test_a_place_that_is_no_number_is_named(folder, value):
    boxes = f'[{{"transcription": "A", "points": [[{value}, 1], [9, 1], [9, 9], [1, 9]]}}]'
    fill(folder, {"pages/p.png": PAGE_FILE, "pages/Label.txt": f"p.png\t{boxes}"})
    with pytest.raises(UserError, match="1 region rejected"):
        folder.build_from("pages")


@pytest.mark.parametrize(("left", "right"), [("120", "20"), ("20", "20"), ("20", "nan"), ("", "9")])
def test_a_box_that_is_none_is_named(folder, left, right):
    box = f'<box xtl="{left}" ytl="1" xbr="{right}" ybr="9"><attribute name="text">A</attribute>'
    xml = f'<annotations><image name="p.png">{box}</box></image></annotations>'
    fill(folder, {"p.png": PAGE_FILE, "c.xml": xml})
    with pytest.raises(UserError, match="1 region rejected"):
        folder.build_from("c.xml")


def test_readings_that_tesseract_chose_among_are_no_text(folder):
    choices = '<span id="choice_1_1">H</span><span id="choice_1_2">M</span>'
    hocr = PAGES["hocr"][0].replace("tw-</span>", f"tw-{choices}</span>")
    fill(folder, {"p.png": PAGE_FILE, "p.hocr": hocr})
    with pytest.raises(UserError, match="1 line rejected"):
        folder.build_from("p.hocr")


def test_an_archive_that_breaks_off_between_its_members_is_named(folder):
    content = tar_of([("1.png", IMAGE), ("1.txt", b"A"), ("2.png", IMAGE)])
    for cut in (content[:2100], content[:2048] + 512 * b"x"):
        fill(folder, {"x.tar": cut})
        with pytest.raises(UserError, match=r"cannot read x\.tar: .* at byte 2048"):
            folder.build_from("x.tar")


def test_texts_of_an_archive_are_decoded_as_all_texts(folder):
    members = [("1.png", IMAGE), ("1.txt", b"\xef\xbb\xbfA"), ("2.png", IMAGE), ("2.json", b"[1]")]
    fill(folder, {"x.tar": tar_of(members)})
    assert folder.build_from("x.tar") == 1
    assert folder.labels() == ["A"]
    assert any("sample 2: not a JSON object" in m for m in folder.messages(logging.ERROR))


def test_a_link_to_a_folder_above_is_not_followed(folder):
    fill(folder, {"f/1.png": IMAGE, "f/1.gt.txt": "A"})
    (folder.path / "f/self").symlink_to(".")
    assert folder.build_from("f") == 1


@pytest.mark.parametrize("form", FORMATS)
def test_each_form_names_a_source_that_it_cannot_read(folder, form):
    fill(folder, {"x.bin": b"\0\xff\1", "empty/.hidden": b""})
    for source in ("nosuch", "x.bin", "empty"):
        found = []
        with contextlib.suppress(UserError):  # and nothing else
            found = list(open_sources([source], form, Request()).read())
        assert all(each.rejection for each in found)
