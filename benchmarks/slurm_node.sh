#!/bin/sh
# A real SLURM on this machine alone, to try sweeps on: controller, node and MUNGE, all in one folder.
#
#   sudo sh benchmarks/slurm_node.sh start /tmp/slurm   # starts it and prints the line that makes it known
#   eval "$(sh benchmarks/slurm_node.sh env /tmp/slurm)"
#   sudo sh benchmarks/slurm_node.sh stop /tmp/slurm
#
# As root on Debian or Ubuntu, after: apt-get install slurmctld slurmd munge. Nothing outside the folder is
# written, and no service of the system is used. Partitions, each with all cores of the machine:
#
#   work    the default; its jobs are requeued at once when `urgent` wants their cores
#   grace   likewise, but they first have 60 seconds to end
#   urgent  takes the cores of the other two
set -eu

folder=${2:?"usage: slurm_node.sh start|env|stop FOLDER"}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac

need() {
    for tool in slurmctld slurmd munged scontrol; do
        command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] || {
            echo "slurm_node: no $tool here; apt-get install slurmctld slurmd munge" >&2
            exit 3
        }
    done
    [ "$(id -u)" = 0 ] || { echo "slurm_node: must run as root, as SLURM's daemons do" >&2; exit 3; }
}

configure() {
    cores=$(getconf _NPROCESSORS_ONLN)
    memory=$(awk '/^MemTotal/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)
    mkdir -p "$folder/state" "$folder/spool"
    chmod 755 "$folder"
    [ -f "$folder/munge.key" ] || (umask 077 && dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 2>/dev/null)
    cat >"$folder/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=${SLURM_NODE_PORT:-16817}
SlurmdPort=$((${SLURM_NODE_PORT:-16817} + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# no cgroups: they may be out of reach in a container
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime=0
PartitionName=grace Nodes=ALL MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime=60
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
CONF
}

start() {
    need
    configure
    export SLURM_CONF="$folder/slurm.conf"
    PATH=$PATH:/usr/sbin
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munge.pid" --log-file="$folder/munge.log" --seed-file="$folder/munge.seed"
    slurmctld
    slurmd -N "$(hostname -s)"
    for _ in $(seq 60); do
        [ "$(sinfo -h -p work -o %t 2>/dev/null)" = idle ] && { show; return; }
        sleep 1
    done
    echo "slurm_node: the node did not become idle; see $folder/slurmctld.log and slurmd.log" >&2
    for log in slurmctld slurmd; do tail -n 5 "$folder/$log.log" >&2; done
    stop
    exit 1
}

stop() {
    export SLURM_CONF="$folder/slurm.conf"
    scancel --user="$(id -un)" 2>/dev/null && sleep 2
    for daemon in slurmd slurmctld munge; do
        if [ -f "$folder/$daemon.pid" ]; then
            kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
        fi
    done
}

show() { echo "export SLURM_CONF='$folder/slurm.conf'"; }

case $1 in
start) start ;;
env) show ;;
stop) stop ;;
*) echo "usage: slurm_node.sh start|env|stop FOLDER" >&2; exit 2 ;;
esac
