"""Temperature and throttling."""

from pathlib import Path

from pi_classifier.system.soc import Soc


def machine(root: Path, *, temperature: str | None = None, undervoltage: str | None = None) -> Path:
    """A /sys as a Raspberry Pi has it."""
    if temperature is not None:
        zone = root / "sys/class/thermal/thermal_zone0"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(temperature, encoding="ascii")
    if undervoltage is not None:
        for number, (name, alarm) in enumerate([("cpu_thermal", "0"), ("rpi_volt", undervoltage)]):
            hwmon = root / f"sys/class/hwmon/hwmon{number}"
            hwmon.mkdir(parents=True)
            (hwmon / "name").write_text(name + "\n", encoding="ascii")
            (hwmon / "in0_lcrit_alarm").write_text(alarm + "\n", encoding="ascii")
    return root


def vcgencmd(folder: Path, answer: str) -> str:
    """An executable that answers as the firmware's tool does."""
    program = folder / "vcgencmd"
    program.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] && {answer}\n', encoding="ascii")
    program.chmod(0o755)
    return str(program)


def test_temperature_is_degrees(tmp_path: Path) -> None:
    """Protects the unit: the kernel counts thousandths of a degree."""
    assert Soc(machine(tmp_path, temperature="48312\n")).temperature_celsius() == 48.312


def test_no_sensor_no_temperature(tmp_path: Path) -> None:
    """Protects from invented values, on machines without a sensor and from a sensor that answers nonsense."""
    assert Soc(tmp_path).temperature_celsius() is None
    assert Soc(machine(tmp_path, temperature="")).temperature_celsius() is None


def test_throttled_bits(tmp_path: Path) -> None:
    """Protects the meaning of the bits: 0 to 3 are now, 16 to 19 since boot."""
    conditions = Soc(tmp_path, vcgencmd(tmp_path, "echo throttled=0x50005")).throttled()
    assert {key for key, value in conditions.items() if value} == {
        ("under_voltage", "now"),
        ("throttled", "now"),
        ("under_voltage", "since_boot"),
        ("throttled", "since_boot"),
    }
    assert len(conditions) == 8


def test_without_vcgencmd_under_voltage_alone(tmp_path: Path) -> None:
    """Protects the unprivileged reading: hwmon tells under-voltage where the firmware's tool is missing or refuses."""
    root = machine(tmp_path, undervoltage="1")
    assert Soc(root, "no-such-vcgencmd").throttled() == {("under_voltage", "now"): True}
    refusing = vcgencmd(tmp_path, "echo 'Can not open device file: /dev/vcio' >&2; false")
    assert Soc(root, refusing).throttled() == {("under_voltage", "now"): True}


def test_firmware_that_does_not_answer(tmp_path: Path) -> None:
    """Protects the scrape: a tool that hangs or cannot be run costs its own reading, not the others."""
    assert Soc(tmp_path, vcgencmd(tmp_path, "exec sleep 60")).throttled() == {}
    broken = tmp_path / "vcgencmd"
    broken.write_text("#!/no/such/interpreter\n", encoding="ascii")
    assert Soc(tmp_path, str(broken)).throttled() == {}


def test_other_machines_tell_nothing(tmp_path: Path) -> None:
    """Protects from zeros that look like measurements on a machine that is no Raspberry Pi."""
    assert Soc(tmp_path, "no-such-vcgencmd").throttled() == {}
