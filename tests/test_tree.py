"""Nested containers: taken apart, put together, compared."""

import dataclasses
from collections import OrderedDict, defaultdict, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whence.errors import WhenceError
from whence.tree import TreeError, describe, flatten, flatten_like, map_tree, paths

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass(frozen=True)
class Layer:
    weight: object
    bias: object = 0.0


leaves = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=3), st.none())
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=2), st.integers()), inner, max_size=3),
        st.builds(Pair, inner, inner),
        st.builds(Layer, inner, inner),
    ),
    max_leaves=12,
)


@given(trees)
def test_a_tree_is_put_back_as_it_was(tree):
    found, structure = flatten(tree)
    again = structure.unflatten(found)
    assert again == tree
    assert type(again) is type(tree)
    assert structure.leaves == len(found)
    assert flatten(again)[1] == structure
    assert hash(flatten(again)[1]) == hash(structure)


@given(trees)
def test_map_visits_every_leaf_once_in_order(tree):
    seen = []
    same = map_tree(lambda leaf: seen.append(leaf) or leaf, tree)
    assert same == tree
    assert seen == flatten(tree)[0]
    numbers = iter(range(len(seen)))
    numbered = map_tree(lambda leaf: next(numbers), tree)
    assert flatten(numbered)[0] == list(range(len(seen)))
    pairs = map_tree(lambda a, b: (a, b), numbered, numbered)
    assert flatten_like(flatten(numbered)[1], map_tree(lambda p: p, numbered)) == flatten(numbered)[0]
    assert len(flatten(pairs)[0]) == 2 * len(seen)


class _At:
    """Follows a path as it would be written."""

    def __init__(self, tree):
        self.tree = tree


@given(trees)
def test_a_path_leads_to_its_leaf(tree):
    found, structure = flatten(tree)
    for path, leaf in zip(paths(structure), found, strict=True):
        assert eval("root.tree" + path, {"root": _At(tree)}) == leaf


def test_dicts_are_flattened_in_key_order():
    assert flatten({"b": 1, "a": 2}) == flatten({"a": 2, "b": 1})
    assert flatten({"b": 1, "a": 2})[0] == [2, 1]


def test_keys_that_do_not_sort_keep_their_order():
    tree = {"b": 1, 3: 2, None: 4}
    found, structure = flatten(tree)
    assert found == [1, 2, 4]
    assert list(structure.unflatten(found)) == ["b", 3, None]


def test_subclasses_of_dict_come_back_as_themselves():
    counts = defaultdict(list, {"a": 1.0})
    again = map_tree(lambda x: x + 1, counts)
    assert type(again) is defaultdict
    assert again == {"a": 2.0}
    assert again["new"] == []
    ordered = OrderedDict(b=1, a=2)
    again = map_tree(lambda x: x, ordered)
    assert type(again) is OrderedDict
    assert list(again) == ["b", "a"]


def test_a_dataclass_is_not_initialised_again():
    @dataclasses.dataclass
    class Checked:
        x: object

        def __post_init__(self):
            assert isinstance(self.x, float)

    again = map_tree(str, Checked(1.0))
    assert again.x == "1.0"


def test_the_class_of_a_dataclass_is_a_leaf():
    assert flatten(Layer)[0] == [Layer]


def test_too_few_and_too_many_leaves_are_refused():
    structure = flatten((1, [2, 3]))[1]
    with pytest.raises(TreeError, match="fewer leaves were given than the container has"):
        structure.unflatten([1, 2])
    with pytest.raises(TreeError, match="more leaves were given than the 3 that the container has"):
        structure.unflatten([1, 2, 3, 4])


def test_other_structures_are_refused_by_name():
    with pytest.raises(TreeError) as error:
        map_tree(lambda a, b: a, {"w": 1.0, "b": (2.0, 3.0)}, {"w": 1.0, "b": [2.0]})
    assert str(error.value) == "containers differ: {'b': (*, *), 'w': *} and {'b': [*], 'w': *}"
    assert isinstance(error.value, WhenceError)
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (1.0, "*"),
        ([], "[]"),
        ((), "()"),
        ({}, "{}"),
        ((1,), "(*,)"),
        (Pair(1, [2]), "Pair(left=*, right=[*])"),
        (Layer(1), "Layer(weight=*, bias=*)"),
        ({"a": {1: 2}}, "{'a': {1: *}}"),
    ],
)
def test_structures_are_described_as_they_would_be_written(tree, text):
    assert describe(flatten(tree)[1]) == text
