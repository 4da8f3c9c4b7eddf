"""Tests how `TF_CONFIG` is read: roles, ranks, and errors that show the part that is wrong."""

import json

import pytest

from aocr.training.cluster.tf_config import Replica, read_task
from aocr.util.errors import UserError

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:2222"]}


def task(cluster, role="worker", index=0):
    text = json.dumps({"cluster": cluster, "task": {"type": role, "index": index}})
    return read_task({"TF_CONFIG": text})


def test_without_a_cluster_a_process_trains_alone():
    for text in (None, "", " ", "{}", '{"environment": "cloud"}', '{"cluster": {}}'):
        assert read_task({} if text is None else {"TF_CONFIG": text}) is None
    assert task({}, "chief") is None
    assert task({"master": ["a:1"]}, "master").is_alone
    assert not task({"worker": ["a:1", "b:1"]}).is_alone


def test_the_chief_is_first_whatever_its_role_is_named():
    assert task(CLUSTER, "chief").rank == 0
    assert task(CLUSTER, "worker", 1).rank == 2
    assert task(CLUSTER, "worker", "1").own == Replica("worker", 1, "c:2222")
    named = {"worker": ["b:1"], "master": ["a:1"]}
    assert [str(each) for each in task(named).replicas] == ["master", "worker 0"]
    assert task(named).addresses == {"master": ["a:1"], "worker": ["b:1"]}
    assert task({"worker": ["a:1", "b:1"]}).rank == 0


def test_other_roles_do_not_train():
    cluster = CLUSTER | {"evaluator": ["e:1"], "ps": ["p:1"]}
    assert len(task(cluster).replicas) == 3
    assert task(cluster).has_evaluator
    assert task(cluster).has_parameter_servers
    assert task(cluster, "ps").own.role == "ps"
    evaluator = task(CLUSTER, "evaluator")  # Kubeflow's operator does not list it
    assert str(evaluator.own) == "evaluator 0"
    assert not evaluator.is_alone
    assert task({}, "evaluator").own.role == "evaluator"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"cluster": {"worker": ["a:1" "b:1"]}}', "not JSON: Expecting ',' delimiter: line 1"),
        ("[1]", "is [1], not an object"),
        ('{"cluster": ["a:1"]}', 'cluster is ["a:1"], not an object'),
        ('{"cluster": {"workers": ["a:1"]}}', 'cluster has the role "workers", which is none of'),
        ('{"cluster": {"worker": "a:1"}}', 'cluster.worker is "a:1", not a list'),
        ('{"cluster": {"worker": ["a:1", "b"]}}', 'cluster.worker[1] is "b", not HOST:PORT'),
        ('{"cluster": {"worker": ["a:0"]}}', 'cluster.worker[0] is "a:0", not HOST:PORT'),
        ('{"cluster": {"worker": [1]}}', "cluster.worker[0] is 1, not HOST:PORT"),
        (
            '{"cluster": {"worker": ["a:1"], "chief": ["a:1"]}}',
            'cluster.chief[0] is "a:1", as is cluster.worker[0]',
        ),
        ('{"cluster": {"chief": ["a:1"], "master": ["b:1"]}}', "has 2 addresses of chief, master"),
        ('{"cluster": {"worker": ["a:1"]}}', "task is null, not an object"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "Chief"}}', 'task.type is "Chief"'),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "task.index is 1, but cluster.worker has 1 addresses",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
            "task.index is -1, not a whole number",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}',
            "task.index is 0, but cluster.chief has 0 addresses",
        ),
    ],
)
def test_errors_show_the_part_that_is_wrong(text, part):
    with pytest.raises(UserError) as error:
        read_task({"TF_CONFIG": text})
    assert part in str(error.value)
    assert str(error.value).startswith("TF_CONFIG: ")
    assert "\n" not in str(error.value)
