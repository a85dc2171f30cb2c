# The command that deletes expired sessions as an image for a Cloud Run job. Build it from the root of the repository:
#
#   docker build -f example/sweep.Dockerfile -t echofirestore-sweep .

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/echofirestore ./cmd/echofirestore

# Certificates of authorities for the connection to Firestore, and no shell. It runs as user 65532.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/echofirestore /echofirestore
ENTRYPOINT ["/echofirestore"]
CMD ["sweep", "-json"]
