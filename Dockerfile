# One image for the webserver, the daemon and the code server; docker-compose.yml says which is which.
# A tag moves, a digest does not. A newer one (docker buildx imagetools inspect python:3.11-slim-bookworm shows it):
# --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
FROM ${PYTHON_IMAGE}

# LightGBM and DGL are linked to OpenMP's runtime, which the slim image leaves out.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 recsys
WORKDIR /app

# CPU wheels of torch by default; for a GPU: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements-runtime.lock ./
# torch is the one package whose hash is not checked: its CPU wheels are other files than those that the lock knows.
RUN pip install --no-cache-dir --only-binary :all: --extra-index-url "$TORCH_INDEX" \
      "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements-runtime.lock)"
RUN pip install --no-cache-dir --only-binary :all: --no-deps --require-hashes -r requirements-runtime.lock

COPY pyproject.toml README.md LICENSE ./
COPY recsys_assets recsys_assets
COPY recsys_lineage recsys_lineage
COPY recsys_models recsys_models
RUN pip install --no-cache-dir --no-deps .
# Like byte code: what each start would look through again, for nobody may write it later.
RUN RECSYS_HOME=/tmp/none python -c "import recsys_assets.preload"

ARG GIT_COMMIT=""
ENV RECSYS_GIT_COMMIT=$GIT_COMMIT \
    RECSYS_HOME=/home/recsys/home \
    PYTHONUNBUFFERED=1

USER recsys
WORKDIR /home/recsys
RUN mkdir /home/recsys/home
VOLUME /home/recsys/home

# Prepares the home for Dagster and becomes the command.
ENTRYPOINT ["python", "-m", "recsys_assets.instance"]
CMD ["recsys", "doctor"]
