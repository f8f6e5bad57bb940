"""A depth image in, ranked parallel-jaw grasps out, found by descending one learned energy.

    import ebgrasp
    planner = ebgrasp.Planner(model="field", gripper="robotiq_2f85")
    plan = planner.plan(depth, intrinsics=(525, 525, 319.5, 239.5))
    print(plan.planar, plan.poses("franka"))

Metres, radians, newtons; pixels only where a name says row or col. Poses are 4 x 4 arrays named as X_WG: pose of G in W.
"""
import os
import pathlib

from . import _core
from ._core import *  # noqa: F401,F403
from ._core import Error, __version__, features

_NEEDS = {"data": ("Object", "LabelOracle", "VERDICTS", "WindowDataset", "antipodal_candidates", "convex_object", "generate",
                   "load_scenes", "load_windows", "procedural_object", "read_object", "render_depth", "save_windows"),
          "simulation": ("TrialResult", "simulate")}


def __getattr__(name):
    for feature, names in _NEEDS.items():
        if name in names and feature not in features:
            raise AttributeError(f"ebgrasp.{name} is not in this build; configure with -DEBGRASP_{feature.upper()}=ON")
    raise AttributeError(f"module 'ebgrasp' has no attribute '{name}'")


def find_model(name):
    """The weights' file of a shipped model's name, such as ``"field"``; a path stays as it is.

    Looks in the folder EBGRASP_MODELS, in the package and in the installation around it.
    """
    name = os.fspath(name)
    if os.path.exists(name) or "/" in name or "." in name:
        return name
    package = pathlib.Path(__file__).resolve().parent
    folders = [pathlib.Path(os.environ["EBGRASP_MODELS"])] if "EBGRASP_MODELS" in os.environ else []
    folders += [package / "models"] + [above / "share/ebgrasp/models" for above in package.parents]
    for folder in folders:
        file = folder / f"{name}.safetensors"
        if file.exists():
            return str(file)
    raise Error(f"no model named '{name}' in EBGRASP_MODELS, {package / 'models'} or an installation around it; "
                "pass the path of a .safetensors file")


def load_energy_model(name):
    """Load weights.

    Parameters
    ----------
    name : str or path
        A file, or a shipped model's name.

    Returns
    -------
    EnergyModel
    """
    return _core._load_energy_model(find_model(name))


class Planner:
    """Plans grasps by descending an energy.

    Parameters
    ----------
    model : str, path or EnergyModel
        Weights: a shipped model's name, a file, or a loaded model.
    gripper : str, path or Gripper
        A preset, a gripper file, or a gripper.
    proposals : int
        Grasps whose energy is read.
    seeds : int
        The best proposals, which descend.
    descent_steps : int
        0: the seeds are ranked as they are.
    min_probability : float
        Of success; grasps known to be less likely are not returned.
    """

    def __init__(self, model="field", gripper="robotiq_2f85", *, proposals=512, seeds=64, descent_steps=16,
                 min_probability=0.1):
        self.model = model if isinstance(model, _core.EnergyModel) else load_energy_model(model)
        self._planner = _core._Planner(self.model, gripper, proposals, seeds, descent_steps, min_probability)

    @property
    def gripper(self):
        return self._planner.gripper

    def plan(self, depth, intrinsics=None, mask=None, *, count=10, seed=1, terms=None, failed_X_CG=None,
             threads=0):
        """Plan grasps on a depth image. Releases the GIL; may be called from several threads.

        Parameters
        ----------
        depth : ndarray, shape (height, width), float
            z in metres; 0 or NaN where missing.
        intrinsics : CameraIntrinsics, (fx, fy, cx, cy) or array_like of shape (3, 3)
            In pixels; may be left out for 640 x 480 images alone.
        mask : array_like, shape (height, width), optional
            Grasp only where it is not 0.
        count : int
            Grasps to return at most.
        seed : int
            Same seed, same grasps, on any number of threads.
        terms : sequence of dict, optional
            Wishes added to the energy: ``{"type": "angle", "angle": 0.5}``, ``{"type": "keep_out", "mask": array}`` and the
            others of ``ebgrasp plan --terms``, each with an optional ``"weight"``; masks are arrays of the image's shape.
        failed_X_CG : array_like, shape (n, 4, 4), optional
            Grasps that failed here (as ``Plan.X_CG`` has them): none like them is returned.
        threads : int
            To use at most; 0: all.

        Returns
        -------
        Plan
            Ranked, best first. No grasp is no error: ``reason`` and ``stages`` say why.

        Raises
        ------
        Error
            For input that cannot be used; says what, and how to mend it.
        """
        return self._planner.plan(depth, intrinsics, mask, count, seed, terms, failed_X_CG, threads)
