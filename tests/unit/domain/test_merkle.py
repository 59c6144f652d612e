"""The tree of the audit log, and the checker that lies in a bundle, against published vectors and small trees."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.merkle import EMPTY, NOTHING, Frontier, Tree, consistent, leaf
from dispatcher.verify import included

#: transparency-dev/merkle, testdata/ of 2026-07-23 (commit 417fb0c), 98 of each; see NOTICE.
VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "merkle_vectors.json").read_text())
#: The eight entries of the certificate-transparency tests, and the roots of the logs of 1 … 8 of them.
ENTRIES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def _raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _path(vector: dict[str, Any]) -> list[bytes]:
    return [_raw(one) for one in vector["proof"] or ()]


def test_there_are_as_many_vectors_as_were_published() -> None:
    assert (len(VECTORS["inclusion"]), len(VECTORS["consistency"])) == (98, 98)


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda vector: vector["desc"])
def test_a_published_proof_of_inclusion_is_judged_as_published(vector: dict[str, Any]) -> None:
    one, root = _raw(vector["leafHash"]), _raw(vector["root"])
    assert included(one, vector["leafIdx"], vector["treeSize"], _path(vector), root) is not vector["wantErr"]


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda vector: vector["desc"])
def test_a_published_proof_of_consistency_is_judged_as_published(vector: dict[str, Any]) -> None:
    earlier, later = _raw(vector["root1"]), _raw(vector["root2"])
    assert consistent(vector["size1"], vector["size2"], _path(vector), earlier, later) is not vector["wantErr"]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert Frontier.over(leaf(bytes.fromhex(one)) for one in ENTRIES[:size]).root.hex() == ROOTS[size - 1]


def test_a_log_without_entries_has_the_root_of_nothing() -> None:
    assert NOTHING.root == EMPTY


def test_every_proof_of_every_small_log_holds_and_no_other_does() -> None:
    leaves = [leaf(bytes([number])) for number in range(40)]
    for size in range(1, 41):
        log = leaves[:size]
        root = Frontier.over(log).root
        assert Tree(log).root == root
        for index in range(size):
            path = Tree(log).inclusion(index)
            assert included(log[index], index, size, path, root)
            assert not included(log[index - 1], index, size, path, root) or size == 1
            assert not included(log[index], index, size, [*path, root], root)
        for earlier in range(1, size + 1):
            path, before = Tree(log).consistency(earlier), Frontier.over(log[:earlier]).root
            assert consistent(earlier, size, path, before, root)
            assert not consistent(earlier, size, path, leaf(before), root)
            assert not consistent(earlier, size, path, before, leaf(root))


def test_a_log_that_goes_on_is_the_log_from_the_start() -> None:
    leaves = [leaf(bytes([number])) for number in range(100)]
    for cut in (0, 1, 31, 32, 33, 99, 100):
        assert Frontier.over(leaves[:cut]).add(leaves[cut:]) == Frontier.over(leaves)


@pytest.mark.parametrize(("size", "index"), [(0, 0), (3, 3), (3, -1)])
def test_there_is_no_proof_of_an_entry_that_is_not_there(size: int, index: int) -> None:
    with pytest.raises(IndexError):
        Tree([EMPTY] * size).inclusion(index)


@pytest.mark.parametrize("earlier", [0, 4])
def test_there_is_no_proof_of_a_log_that_was_not(earlier: int) -> None:
    with pytest.raises(IndexError):
        Tree([EMPTY] * 3).consistency(earlier)
