"""Helps the tests of building a dataset."""

import logging

import tensorflow as tf
from helpers import dotted

from aocr.data.building import builder
from aocr.data.building.builder import Options
from aocr.data.sources.common import Request

IMAGE = dotted(3, 5)


class Folder:
    """A folder with an image, annotations, and the dataset made of them."""

    def __init__(self, path, caplog):
        self.path, self.caplog = path, caplog
        self.image = self.write("a.png", IMAGE)
        self.output = self.name("out.tfrecords")

    def name(self, name):
        return f"{self.path}/{name}"

    def write(self, name, content):
        with tf.io.gfile.GFile(self.name(name), "wb") as file:
            file.write(content)
        return self.name(name)

    def build(self, annotations, **options):
        """Builds a dataset from the text or bytes; returns the number of pairs."""
        content = annotations if isinstance(annotations, bytes) else annotations.encode()
        return self.build_from(self.write("annotations.txt", content), **options)

    def build_from(self, *sources, **options):
        """Builds from sources; options of the request and of the build."""
        of_request = {n: options.pop(n) for n in list(options) if n in Request._fields}
        options = Options(source=Request(**of_request), **options)
        self.caplog.clear()
        with self.caplog.at_level(logging.INFO):
            return builder.build(sources, self.output, options)

    def features(self, name=None):
        """The features of each record written, as bytes by name."""
        path = self.name(name) if name else self.output
        return [
            {name: value.bytes_list.value[0] for name, value in example.features.feature.items()}
            for example in map(
                tf.train.Example.FromString,
                tf.data.TFRecordDataset(path).as_numpy_iterator(),
            )
        ]

    def labels(self, name=None):
        return [features["label"].decode() for features in self.features(name)]

    def rejected(self, name="out.tfrecords"):
        """The rows of the list of rejects, without the header."""
        with tf.io.gfile.GFile(self.name(f"{name}.rejected.tsv")) as file:
            header, *rows = file.read().splitlines()
        assert header == "line\tpath\tlabel\treason"
        return [row.split("\t") for row in rows]

    def messages(self, level):
        return [record.getMessage() for record in self.caplog.records if record.levelno == level]

    def files(self):
        return sorted(tf.io.gfile.listdir(str(self.path)))
