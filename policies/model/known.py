"""What charts and images stand for, and which of a chart's values rules may read.

A chart's values may hold secrets that nobody marked. So only the paths listed here ever leave the source.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Known:
    """A program that rules know."""

    name: str
    """Name in findings and in the model."""
    charts: tuple[str, ...] = ()
    """Names of charts that install it."""
    images: tuple[str, ...] = ()
    """Last part of the names of its images."""
    values: tuple[str, ...] = ()
    """Dotted paths of the chart's values that rules read; each holds no secret."""
    arguments: tuple[str, ...] = ()
    """Arguments of its programs that rules read; each holds no secret."""


KNOWN = (
    Known(
        name="metrics-server",
        charts=("metrics-server", "rke2-metrics-server"),
        images=("metrics-server",),
        values=("args", "defaultArgs", "apiService.create"),
        arguments=("--kubelet-insecure-tls",),
    ),
    Known(
        name="cert-manager",
        charts=("cert-manager",),
        images=("cert-manager-controller",),
        values=(
            "crds.enabled",
            "installCRDs",
            "config.enableGatewayAPI",
            "config.gatewayAPI.enabled",
            "extraArgs",
            "featureGates",
        ),
    ),
    Known(
        name="kubelet-certificate-approver",
        charts=("kubelet-csr-approver", "kubelet-serving-cert-approver"),
        images=("kubelet-csr-approver", "kubelet-serving-cert-approver"),
    ),
    Known(
        name="vsphere-cloud-provider",
        charts=("vsphere-cpi",),
        images=("cloud-provider-vsphere", "vsphere-cloud-controller-manager"),
        values=("config.enabled", "config.name"),
    ),
    Known(
        name="vsphere-csi",
        charts=("vsphere-csi", "vsphere-csi-driver"),
        images=("vsphere-csi-driver", "csi-vsphere-driver", "driver-vsphere-csi"),
    ),
    Known(name="Kyverno", charts=("kyverno",), images=("kyverno",)),
    Known(
        name="Kyverno policies",
        charts=("kyverno-policies",),
        values=(
            "podSecurityStandard",
            "validationFailureAction",
            "vpolExclude.excludeNamespaces",
            "policyExclude",
        ),
    ),
    # Stores of logs.
    Known(name="Loki", charts=("loki", "loki-stack", "loki-distributed", "loki-simple-scalable"), images=("loki",)),
    Known(
        name="VictoriaLogs",
        charts=("victoria-logs-single", "victoria-logs-cluster"),
        images=("victoria-logs",),
    ),
    Known(name="Elasticsearch", charts=("elasticsearch", "opensearch"), images=("elasticsearch", "opensearch")),
    # Collectors of logs.
    Known(name="Alloy", charts=("alloy",), images=("alloy",)),
    Known(name="Promtail", charts=("promtail",), images=("promtail",)),
    Known(name="Fluent Bit", charts=("fluent-bit",), images=("fluent-bit",)),
    Known(name="Fluentd", charts=("fluentd",), images=("fluentd",)),
    Known(name="Vector", charts=("vector",), images=("vector",)),
    Known(name="Filebeat", charts=("filebeat",), images=("filebeat",)),
    Known(name="Logging operator", charts=("logging-operator",), images=("logging-operator",)),
    Known(
        name="VictoriaLogs collector",
        charts=("victoria-logs-collector", "victoria-logs-agent"),
        images=("vlagent",),
    ),
    Known(
        name="OpenTelemetry collector",
        charts=("opentelemetry-collector", "opentelemetry-kube-stack"),
        images=("opentelemetry-collector", "opentelemetry-collector-contrib", "opentelemetry-collector-k8s"),
    ),
    # Storage for volumes of several writers.
    Known(name="NFS CSI driver", charts=("csi-driver-nfs",), images=("nfsplugin",)),
    Known(
        name="NFS subdirectory provisioner",
        charts=("nfs-subdir-external-provisioner",),
        images=("nfs-subdir-external-provisioner",),
        values=("storageClass.create", "storageClass.name"),
    ),
    Known(
        name="NFS server provisioner",
        charts=("nfs-server-provisioner",),
        images=("nfs-provisioner", "nfs-ganesha-server-and-external-provisioner"),
        values=("storageClass.create", "storageClass.name"),
    ),
    Known(name="Longhorn", charts=("longhorn",), images=("longhorn-manager",), values=("persistence.defaultClass",)),
    Known(name="Rook", charts=("rook-ceph", "rook-ceph-cluster"), images=("ceph",)),
)

LOG_STORES = ("Loki", "VictoriaLogs", "Elasticsearch")
LOG_COLLECTORS = (
    "Alloy",
    "Promtail",
    "Fluent Bit",
    "Fluentd",
    "Vector",
    "Filebeat",
    "Logging operator",
    "VictoriaLogs collector",
    "OpenTelemetry collector",
)
RWX_PROVISIONERS = {
    "nfs.csi.k8s.io": "NFS CSI driver",
    "cluster.local/nfs-subdir-external-provisioner": "NFS subdirectory provisioner",
    "k8s-sigs.io/nfs-subdir-external-provisioner": "NFS subdirectory provisioner",
    "cluster.local/nfs-server-provisioner": "NFS server provisioner",
    "driver.longhorn.io": "Longhorn",
    "rook-ceph.cephfs.csi.ceph.com": "Rook",
    "cephfs.csi.ceph.com": "Rook",
    "nfs.manila.csi.openstack.org": "",
    "file.csi.azure.com": "",
    "efs.csi.aws.com": "",
    "filestore.csi.storage.gke.io": "",
    "csi.trident.netapp.io": "",
    "pxd.portworx.com": "",
}
"""Provisioners whose volumes several nodes may write, and the program that brings each; empty where a cloud does."""

RWX_BRINGERS = ("NFS subdirectory provisioner", "NFS server provisioner", "Longhorn")
"""Programs whose chart makes a storage class for such volumes by itself."""

BLOCK_PROVISIONERS = (
    "csi.hetzner.cloud",
    "cinder.csi.openstack.org",
    "ebs.csi.aws.com",
    "disk.csi.azure.com",
    "pd.csi.storage.gke.io",
    "rancher.io/local-path",
    "kubernetes.io/no-provisioner",
    "csi.proxmox.sinextra.dev",
    "topolvm.io",
    "rook-ceph.rbd.csi.ceph.com",
    "rbd.csi.ceph.com",
    "kubernetes.io/vsphere-volume",
)
"""Provisioners whose volumes one node writes."""

VSPHERE_PROVISIONER = "csi.vsphere.vmware.com"
"""Block volumes, unless the file services of vSAN are there."""

_BY_CHART = {chart: known for known in KNOWN for chart in known.charts}
_BY_IMAGE = {image: known for known in KNOWN for image in known.images}


def by_name(name: str) -> Known | None:
    """Return what rules know under a name."""
    return next((known for known in KNOWN if known.name == name), None)


def by_chart(name: str) -> Known | None:
    """Return what a chart installs; the last part of a path or address counts."""
    return _BY_CHART.get(name.rstrip("/").rpartition("/")[2].partition(":")[0])


def by_image(image: str) -> Known | None:
    """Return what an image is, whatever its registry, tag or digest."""
    return _BY_IMAGE.get(image.partition("@")[0].rpartition("/")[2].partition(":")[0])
