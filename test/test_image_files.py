import cv2
import numpy as np
import pytest

from face_recon_ros.errors import ImageError
from face_recon_ros.image_files import (
    Video,
    VideoWriter,
    image_paths,
    read_image,
    write_image,
)


@pytest.fixture
def photo(portrait):
    return np.ascontiguousarray(portrait[:120, 100:300])


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tiff', '.ppm'])
def test_lossless_formats_come_back_as_written(tmp_path, photo, suffix):
    write_image(tmp_path / f'a{suffix}', photo)
    np.testing.assert_array_equal(read_image(tmp_path / f'a{suffix}'), photo)


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
    with pytest.raises(ImageError, match=r'broken\.mp4: (no video|not one frame)') as error:
        list(Video.open(path))
    assert '\n' not in str(error.value)


def test_missing_video_is_named(tmp_path):
    with pytest.raises(ImageError, match=r'gone\.mp4: no such file'):
        Video.open(tmp_path / 'gone.mp4')
