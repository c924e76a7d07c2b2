"""Labelled images from folders and from lists, and every way in which they can't be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import BrokenFile, InputError
from bench.experiments.accuracy.class_names import check_count, read_names
from bench.experiments.accuracy.dataset import Dataset, check_labels, read_folder, read_list


def plant(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def labels(dataset: Dataset) -> dict[str, int]:
    return {image.name: image.label for image in dataset.images}


def test_sub_folders_are_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    plant(tmp_path, "n02/b.jpg", "n01/a.jpg", "n01/deep/c.jpg", "n03/d.jpg")
    dataset = read_folder(tmp_path)
    assert labels(dataset) == {"n01/a.jpg": 0, "n01/deep/c.jpg": 0, "n02/b.jpg": 1, "n03/d.jpg": 2}
    assert dataset.sorted_names == ("n01", "n02", "n03")
    assert dataset.images[0].path == tmp_path / "n01/a.jpg"


def test_a_folder_without_a_file_keeps_its_number(tmp_path: Path) -> None:
    plant(tmp_path, "c/x.png")
    (tmp_path / "b").mkdir()
    assert labels(read_folder(tmp_path)) == {"c/x.png": 1}


def test_names_that_are_numbers_mean_themselves(tmp_path: Path) -> None:
    plant(tmp_path, "10/a.png", "2/b.png", "900/c.png")
    dataset = read_folder(tmp_path)
    assert labels(dataset) == {"10/a.png": 10, "2/b.png": 2, "900/c.png": 900}
    assert check_labels(dataset, 1000) is None


def test_hidden_files_and_folders_and_loose_files_are_no_images(tmp_path: Path) -> None:
    plant(tmp_path, ".cache/x.png", "a/.DS_Store", "a/1.png", "README")
    assert labels(read_folder(tmp_path)) == {"a/1.png": 0}


def test_a_file_that_is_no_image_by_its_name_is_not_dropped_in_silence(tmp_path: Path) -> None:
    plant(tmp_path, "a/1.png", "a/notes.txt")
    assert "a/notes.txt" in labels(read_folder(tmp_path))


def test_class_names_number_the_folders_by_a_whole_line_or_its_first_word(tmp_path: Path) -> None:
    plant(tmp_path, "great white shark/a.png", "n01440764/b.png", "tench/c.png")
    names = ("n01440764 goldfish", "great white shark", "tench, Tinca tinca")
    assert labels(read_folder(tmp_path, classes=names)) == {
        "great white shark/a.png": 1, "n01440764/b.png": 0, "tench/c.png": 2,
    }  # fmt: skip
    with pytest.raises(InputError, match="sub-folder tench is no line of --labels"):
        read_folder(tmp_path, classes=names[:2])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "has no sub-folder, so no image in it has a label"),
        (("a.png",), "has no sub-folder, so no image in it has a label"),
        (("a/.hidden",), "no file is in any of the 1 sub-folders"),
    ],
)
def test_a_folder_without_labelled_images_is_refused(
    files: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        read_folder(plant(tmp_path, *files))


def test_no_folder_is_told_from_a_file(tmp_path: Path) -> None:
    plant(tmp_path, "file")
    with pytest.raises(InputError, match="nowhere isn't there"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="file is no folder"):
        read_list(tmp_path / "file", tmp_path / "list")


def listed(tmp_path: Path, text: str | bytes) -> Dataset:
    path = tmp_path / "val_list.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_list(tmp_path, path)


def test_a_list_names_images_and_labels_in_its_order(tmp_path: Path) -> None:
    dataset = listed(tmp_path, "\ufeffval/2.JPEG 65\r\n\nval/a b.JPEG\t 970 \nval/1.JPEG 0")
    assert labels(dataset) == {"val/2.JPEG": 65, "val/a b.JPEG": 970, "val/1.JPEG": 0}
    assert dataset.images[1].path == tmp_path / "val/a b.JPEG"
    assert (dataset.layout, dataset.sorted_names) == ("list", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.png 1\nb.png\n", "line 2 has no label"), ("a.png one", "line 1: label 'one' is no"),
        ("a.png -1", "label '-1' is no number"), ("a.png ²", "label '²' is no number"),
        ("a.png " + "1" * 5000, "line 1: label '1+…1+' is no number"),
        ("a\0.png 1", "line 1: no file's name holds a NUL"),
        ("\n \n", "it names no image"), (b"a.png 1\n\xff\xfe 2", "it isn't UTF-8"),
    ],
)  # fmt: skip
def test_a_list_that_can_not_be_read_is_told_by_its_line(
    text: str | bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(BrokenFile, match=said) as raised:
        listed(tmp_path, text)
    assert "val_list.txt" in raised.value.problem
    assert raised.value.hint


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="there is no such file"):
        read_list(tmp_path, tmp_path / "gone.txt")


def test_a_label_beyond_the_nets_classes_is_refused_by_its_image(tmp_path: Path) -> None:
    dataset = listed(tmp_path, "a.png 999\nb.png 1000")
    with pytest.raises(
        InputError, match=r"b\.png has label 1000, and the classes of the net are 0 to 9"
    ):
        check_labels(dataset, 1000)
    assert check_labels(dataset, 1001) is None


def test_some_word_net_ids_do_not_tell_their_classes_and_all_do(tmp_path: Path) -> None:
    dataset = read_folder(plant(tmp_path, "n01440764/a.png", "n01443537/b.png"))
    with pytest.raises(InputError, match="2 WordNet ids don't tell which of the net's 1000"):
        check_labels(dataset, 1000)
    assert check_labels(dataset, 2) is None


def test_fewer_folders_than_classes_are_taken_for_the_first_and_that_is_said(
    tmp_path: Path,
) -> None:
    dataset = read_folder(plant(tmp_path, "cat/a.png", "dog/b.png"))
    assert "the 2 sub-folders are taken for the first 2 of the net's 10 classes" in str(
        check_labels(dataset, 10)
    )
    named = read_folder(tmp_path, classes=["dog", "cat"])
    assert labels(named) == {"cat/a.png": 1, "dog/b.png": 0}
    assert check_labels(named, 10) is None


def test_another_data_set_has_another_digest(tmp_path: Path) -> None:
    digest = listed(tmp_path, "a.png 1\nb.png 2").digest
    assert listed(tmp_path, "a.png 1\nb.png 2").digest == digest
    others = [listed(tmp_path, text).digest for text in ("a.png 1", "a.png 2\nb.png 2")]
    plant(tmp_path, "a.png")
    assert len({digest, *others, listed(tmp_path, "a.png 1\nb.png 2").digest}) == 4


def named(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "labels.txt"
    path.write_text(text)
    return read_names(path)


def test_class_names_stand_one_a_line_with_their_numbers_or_without(tmp_path: Path) -> None:
    assert named(tmp_path, "tench\ngreat shark\n\n") == ("tench", "great shark")
    assert named(tmp_path, "0 tench, Tinca\n1 shark") == ("tench, Tinca", "shark")
    assert named(tmp_path, "0 tench\n2 shark") == ("0 tench", "2 shark")
    assert named(tmp_path, "0\n1") == ("0", "1")


@pytest.mark.parametrize(("text", "said"), [("\n", "names no class"), ("a\n\nb", "line 2 is em")])
def test_a_file_of_names_with_a_gap_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=said):
        named(tmp_path, text)


def test_there_is_a_name_for_each_class_or_none() -> None:
    check_count(["a", "b"], 2, Path("labels.txt"))
    with pytest.raises(BrokenFile, match="it names 2 classes, and the net has 10"):
        check_count(["a", "b"], 10, Path("labels.txt"))
