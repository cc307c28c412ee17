"""Sets the version of the wheel, and marks it as binary without a Python extension; pyproject.toml cannot do either."""

import os

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class PlatformWheel(bdist_wheel):
    """A wheel for any Python 3 of one platform."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", os.environ["POSTBOX_WHEEL_PLATFORM"]


setup(version=os.environ["POSTBOX_WHEEL_VERSION"], cmdclass={"bdist_wheel": PlatformWheel})
