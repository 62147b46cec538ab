# One image for the webserver, the daemon and the code server; docker-compose.yml says which is which.
FROM python:3.11-slim-bookworm

# LightGBM and DGL are linked to OpenMP's runtime, which the slim image leaves out.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 recsys
WORKDIR /app

# CPU wheels of torch by default; for a GPU: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --extra-index-url "$TORCH_INDEX" \
      "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.lock)"

# The lock constrains what the package asks for, so the tools of its tests stay out.
COPY pyproject.toml README.md LICENSE ./
COPY recsys_assets recsys_assets
COPY recsys_lineage recsys_lineage
COPY recsys_models recsys_models
RUN pip install --no-cache-dir --constraint requirements.lock .

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
