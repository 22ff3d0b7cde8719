# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest

from face_recon_ros.errors import CalibrationError, ImageError
from face_recon_ros.io import image_files
from face_recon_ros.io.bags import BagVideo
from face_recon_ros.io.camera_files import read_camera
from face_recon_ros.io.image_files import (
    Video,
    VideoWriter,
    image_paths,
    read_image,
    write_image,
)
from face_recon_ros.io.pillow_images import decode_with_pillow
from face_recon_ros.io.records import csv_writer


@pytest.fixture
def photo(portrait):
    return np.ascontiguousarray(portrait[:120, 100:300])


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tiff', '.ppm'])
def test_lossless_formats_come_back_as_written(tmp_path, photo, suffix):
    write_image(tmp_path / f'a{suffix}', photo)
    np.testing.assert_array_equal(read_image(tmp_path / f'a{suffix}'), photo)


def test_a_path_may_be_text(tmp_path, photo):
    name = str(tmp_path / 'a.png')
    write_image(name, photo)
    np.testing.assert_array_equal(read_image(name), photo)
    with csv_writer(str(tmp_path / 'faces.csv')):
        pass
    assert (tmp_path / 'faces.csv').read_text().startswith('file,id,score')
    for open_file in (read_image, Video.open, BagVideo.open):
        with pytest.raises(ImageError, match='nothing'):
            open_file(str(tmp_path / 'nothing'))
    with pytest.raises(CalibrationError, match='nothing'):
        read_camera(str(tmp_path / 'nothing'))


@pytest.mark.parametrize(('change', 'said'), [
    (lambda photo: photo / 255, 'of float64'), (lambda photo: photo.astype(int), 'of int64'),
    (lambda photo: photo > 9, 'of bool'), (lambda photo: None, 'NoneType'),
    (lambda photo: photo.tolist(), 'list'),
], ids=['fractions', 'integers', 'booleans', 'None', 'list'])
def test_what_is_no_picture_is_not_written(tmp_path, photo, change, said):
    with pytest.raises(ImageError, match=rf'a\.png: image to write is {said}; give an array of'):
        write_image(tmp_path / 'a.png', change(photo))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(('suffix', 'white'), [
    ('.pfm', 1.0), ('.pfm', 255.0), ('.tiff', 1.0), ('.tiff', 255.0), ('.hdr', 1.0),
])
def test_samples_that_are_fractions_are_read(tmp_path, photo, suffix, white):
    """Of 0 to 1 or, but for Radiance's, of 0 to 255; what is no number is black."""
    samples = photo.astype(np.float32) * np.float32(white / 255)
    if suffix != '.hdr':
        samples[:5, :5] = np.nan
    # as they are: old OpenCV rounds those of TIFF, and cuts them at 1
    written = [cv2.IMWRITE_TIFF_COMPRESSION, 1] if suffix == '.tiff' else []
    _, data = cv2.imencode(suffix, samples, written)
    (tmp_path / f'a{suffix}').write_bytes(data.tobytes())
    image = read_image(tmp_path / f'a{suffix}')
    assert np.abs(image[5:].astype(int) - photo[5:]).mean() < 1
    assert suffix == '.hdr' or image[:5, :5].max() == 0


def test_grey_and_alpha_become_colour(tmp_path, photo):
    write_image(tmp_path / 'grey.png', photo[..., 0])
    write_image(tmp_path / 'alpha.png', cv2.cvtColor(photo, cv2.COLOR_BGR2BGRA))
    assert read_image(tmp_path / 'grey.png').shape == photo.shape
    np.testing.assert_array_equal(read_image(tmp_path / 'alpha.png'), photo)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('part', [0.02, 0.5, 0.95])
def test_cut_off_file_is_named(tmp_path, photo, suffix, part):
    write_image(tmp_path / f'whole{suffix}', photo)
    data = (tmp_path / f'whole{suffix}').read_bytes()
    cut = tmp_path / f'cut{suffix}'
    cut.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ImageError, match=r'cut\.\w+: is cut off') as error:
        read_image(cut)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('content', 'message'), [(b'', 'is empty'), (b'hello', 'no image'), (b'\0' * 5000, 'no image')]
)
def test_what_is_no_image_is_named(tmp_path, content, message):
    path = tmp_path / 'strange.jpg'
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf'strange\.jpg: {message}') as error:
        read_image(path)
    assert '\n' not in str(error.value)


def test_an_image_of_too_many_pixels_is_named_so(tmp_path):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack(
            '>I', zlib.crc32(kind + content)
        )

    header = struct.pack('>IIBBBBB', 40_000, 40_000, 1, 0, 0, 0, 0)
    rows = chunk(b'IDAT', zlib.compress(bytes(5001)))
    parts = [chunk(b'IHDR', header), rows, chunk(b'IEND', b'')]
    path = tmp_path / 'huge.png'
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + b''.join(parts))
    with pytest.raises(ImageError, match=r'huge\.png: is too large to be decoded .*smaller$'):
        read_image(path)


def avif(*turns):
    """Return the boxes of an AVIF whose second image is the main one, with irot and imir."""

    def box(kind, content):
        return struct.pack('>I4s', 8 + len(content), kind) + content

    # the first image has a turn of its own, which is not the main one's
    properties = box(b'irot', b'\x02') + b''.join(box(k, bytes([v])) for k, v in turns)
    numbers = bytes(range(2, 2 + len(turns)))
    links = struct.pack('>IIHBB', 0, 2, 1, 1, 1) + struct.pack('>HB', 2, len(turns)) + numbers
    meta = bytes(4) + box(b'pitm', struct.pack('>IH', 0, 2))
    meta += box(b'iprp', box(b'ipco', properties) + box(b'ipma', links))
    return box(b'ftyp', b'avif' + bytes(4) + b'mif1') + box(b'meta', meta) + box(b'mdat', bytes(9))


@pytest.mark.parametrize(
    ('turns', 'expected'),
    [
        ((), [[1, 2, 3], [4, 5, 6]]),
        (((b'irot', 1),), [[3, 6], [2, 5], [1, 4]]),  # counter-clockwise
        (((b'irot', 2),), [[6, 5, 4], [3, 2, 1]]),
        (((b'imir', 0),), [[4, 5, 6], [1, 2, 3]]),
        (((b'imir', 1),), [[3, 2, 1], [6, 5, 4]]),
        (((b'irot', 3), (b'imir', 1)), [[1, 4], [2, 5], [3, 6]]),
    ],
)
def test_avif_is_turned_as_its_boxes_say(tmp_path, monkeypatch, turns, expected):
    stored = np.dstack([np.array([[1, 2, 3], [4, 5, 6]], np.uint8)] * 3)
    # not every OpenCV reads AVIF; the turn is ours
    monkeypatch.setattr(image_files, 'decode_image', lambda data: stored)
    (tmp_path / 'a.avif').write_bytes(avif(*turns))
    assert read_image(tmp_path / 'a.avif')[..., 0].tolist() == expected


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ImageError, match=r'gone\.png: No such file'):
        read_image(tmp_path / 'gone.png')


def test_unwritable_place_is_named(tmp_path, photo):
    with pytest.raises(ImageError, match=r'nowhere.a\.png: No such file.*--out'):
        write_image(tmp_path / 'nowhere' / 'a.png', photo)


def test_folders_give_their_images_in_order(tmp_path, photo):
    for name in ('b.png', 'a.jpg', 'C.PNG'):
        write_image(tmp_path / name, photo)
    (tmp_path / 'notes.txt').write_text('no image')
    names = [p.name for p in image_paths([tmp_path, tmp_path / 'b.png'])]
    assert names == ['C.PNG', 'a.jpg', 'b.png', 'b.png']


def test_folder_without_images_is_named(tmp_path):
    with pytest.raises(ImageError, match='no images in this folder'):
        image_paths([tmp_path])


def test_video_comes_back_frame_by_frame(tmp_path, photo):
    writer = VideoWriter(tmp_path / 'v.mp4', 10.0)
    for shade in (0, 60, 120):
        writer.write(np.full_like(photo, shade))
    writer.close()
    video = Video.open(tmp_path / 'v.mp4')
    stamps, frames = zip(*video, strict=True)
    assert stamps == (0.0, 0.1, 0.2)
    assert video.frame_count == 3
    for shade, frame in zip((0, 60, 120), frames, strict=True):
        assert abs(float(frame.mean()) - shade) < 6


@pytest.mark.parametrize('content', [b'', b'no video', b'\0\0\0\x18ftypmp42' + b'\0' * 3000])
def test_unreadable_video_is_named(tmp_path, content):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r'n\.mp4: (no video|not one|is empty)') as error:
        list(Video.open(path))
    assert '\n' not in str(error.value)


def test_missing_video_is_named(tmp_path):
    with pytest.raises(ImageError, match=r'gone\.mp4: no such file'):
        Video.open(tmp_path / 'gone.mp4')


def test_what_pillow_remarks_of_a_damaged_file_is_not_said(portrait):
    """A TIFF of which one tag has more values than the file has bytes."""
    pytest.importorskip('PIL')
    data = bytearray(cv2.imencode('.tiff', portrait[:40, :40])[1].tobytes())
    directory = int.from_bytes(data[4:8], 'little')
    (at,) = (at for at in range(directory + 2, directory + 2 + 12 * data[directory], 12)
             if int.from_bytes(data[at : at + 2], 'little') == 278)  # rows per strip
    data[at + 4 : at + 8] = (1 << 20).to_bytes(4, 'little')
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        decode_with_pillow(bytes(data))
    assert said == []
