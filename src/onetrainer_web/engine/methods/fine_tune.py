"""Fine-tuning: the weights of the chosen model parts themselves learn."""

from dataclasses import replace
from pathlib import Path

from torch.nn import Parameter

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.engine.methods.layers import choose_layers
from onetrainer_web.engine.runtime.errors import NothingToTrainError
from onetrainer_web.engine.seams.interfaces import Method, ParameterGroup, SaveTarget
from onetrainer_web.engine.weights.embeddings import write_beside
from onetrainer_web.engine.weights.files import replacing


class FineTune(Method):
    """Trains the denoiser and the text encoders as far as their `train` says."""

    resumes_as_base = True

    def prepare(self, backup: Path | None) -> list[ParameterGroup]:
        """Let the chosen parts learn; the weights of a backup were loaded as the base model."""
        del backup
        groups: list[ParameterGroup] = []
        for part in self.family.parts:
            settings = self.family.part_config(self.config, part)
            if not settings.train or part not in self.model.components:
                continue
            rate = self.config.learning_rate if settings.learning_rate is None else settings.learning_rate
            groups.append(ParameterGroup(part, part, rate, self._let_learn(part)))
        if not groups:
            raise NothingToTrainError("No model part is set to be trained; switch `train` on for one of them.")
        return groups

    def _let_learn(self, part: str) -> dict[str, Parameter]:
        """The weights of a part that learn: all of them, or of the denoiser those in the layers that are chosen."""
        layers: dict[str, dict[str, Parameter]] = {}
        for name, weight in self.model.module(part).named_parameters():
            layers.setdefault(name.rpartition(".")[0], {})[f"{part}.{name}"] = weight
        is_denoiser = part == self.family.denoiser
        chosen = choose_layers(self.model, self.config, list(layers)) if is_denoiser else list(layers)
        learning = {name: weight for layer in chosen for name, weight in layers[layer].items()}
        for weight in learning.values():
            weight.requires_grad_(True)
        return learning

    def write_weights(self, folder: Path) -> None:
        """Write the whole model as a diffusers folder, unchanged in type: it is also a base model for other runs."""
        self._write(SaveTarget(folder, ModelFormat.DIFFUSERS, None, {}))

    def save(self, target: SaveTarget) -> str:
        """Write the whole model, and embeddings beside it."""
        if target.model_format is ModelFormat.DIFFUSERS:
            with replacing(target.path, target.writer) as making:
                self._write(replace(target, path=making))
        else:
            self._write(target)
        write_beside(target, self.model.embeddings.all, self.family)
        return ""

    def _write(self, target: SaveTarget) -> None:
        with self.model.embeddings.put_aside(self.model.components):
            self.family.save(self.model, target)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return self.family.architecture
