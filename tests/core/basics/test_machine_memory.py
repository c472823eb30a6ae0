import psutil

from core.basics.machine import free_memory


def test_free_memory_is_part_of_what_the_machine_has(tmp_path):
    assert 0 < free_memory(tmp_path) <= psutil.virtual_memory().total


def test_a_containers_limit_counts(tmp_path):
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory(tmp_path) == 2000
    (tmp_path / "memory.current").write_text("4000\n")
    assert free_memory(tmp_path) == 0


def test_a_container_without_a_limit_has_the_machines_memory(tmp_path):
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory(tmp_path) > 2**20
