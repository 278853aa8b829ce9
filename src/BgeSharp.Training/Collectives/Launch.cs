// How the processes of a run were started: which rank this is, as mpirun, srun or torchrun say it in the environment. Nothing of it means one process alone.
// Several families may be there at once (mpirun within a Slurm job); those that speak of this process must agree.

using System.Globalization;

namespace BgeSharp.Training.Collectives;

/// <summary>What the launcher says.</summary>
/// <param name="Rank">0 to <paramref name="Size"/> − 1.</param>
/// <param name="Size">1 without a launcher.</param>
/// <param name="LocalRank">Number among the ranks of this machine, for the choice of a device.</param>
/// <param name="LocalSize">Ranks on this machine, 1 where the launcher does not say.</param>
/// <param name="Source">The variable that <paramref name="Size"/> comes from; empty without a launcher.</param>
public sealed record Launch(int Rank, int Size, int LocalRank, int LocalSize, string Source)
{
    private static readonly Family[] Families =
    [
        new("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
        new("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
        new("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
        new("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"),
    ];

    /// <summary>That of this process, once <see cref="Join"/> was called.</summary>
    public static Launch Current { get; private set; } = new(0, 1, 0, 1, "");

    /// <summary>Reads an environment.</summary>
    /// <param name="variable">Value of a variable, null or empty when it is not set.</param>
    /// <exception cref="BadInput">Values are not numbers, a half is missing, or two launchers disagree.</exception>
    public static Launch Read(Func<string, string?> variable)
    {
        Launch? chosen = null;
        foreach (Family family in Families)
        {
            if (Of(family, variable, started: chosen is not null) is not { } found)
            {
                continue;
            }
            if (chosen is not null && (chosen.Rank != found.Rank || chosen.Size != found.Size))
            {
                throw new BadInput(string.Create(CultureInfo.InvariantCulture,
                    $"the launchers disagree: {chosen.Source} says rank {chosen.Rank} of {chosen.Size}, {found.Source} says rank {found.Rank} of {found.Size}; unset the variables of the one that did not start these processes."));
            }
            chosen ??= found;
        }
        return chosen ?? new Launch(0, 1, 0, 1, "");
    }

    // Slurm's pmi2 says rank and size, and leaves the place on the machine to Slurm's own variables.
    private static int? Local(Func<string, string?> variable, Func<Family, string> name)
        => Families.Select(f => int.TryParse(variable(name(f)), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : (int?)null).FirstOrDefault(n => n is not null);

    private static Launch? Of(Family family, Func<string, string?> variable, bool started)
    {
        // A shell within a Slurm job has these too, and so has what mpirun starts in one; only srun's own tasks have a step, and mpirun's daemons are such tasks.
        if (family.Rank == "SLURM_PROCID" && (started || string.IsNullOrEmpty(variable("SLURM_STEP_ID")) || variable("SLURM_STEP_ID") is "4294967290" or "4294967291" or "interactive" or "batch"))
        {
            return null;
        }
        int? rank = Number(family.Rank), size = Number(family.Size);
        if (rank is null && size is null)
        {
            return null;
        }
        if (rank is null || size is null)
        {
            (string there, string missing) = rank is null ? (family.Size, family.Rank) : (family.Rank, family.Size);
            throw new BadInput($"{there} is set but {missing} is not; start the ranks with mpirun or srun, or unset it.");
        }
        return rank >= 0 && rank < size
            ? new Launch(rank.Value, size.Value, Number(family.LocalRank) ?? Local(variable, f => f.LocalRank) ?? 0, Math.Max(1, Number(family.LocalSize) ?? Local(variable, f => f.LocalSize) ?? 1), family.Size)
            : throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"{family.Rank}={rank} is not a rank of {family.Size}={size}; ranks go from 0 to the number of them minus 1."));

        int? Number(string name) => variable(name) is not { Length: > 0 } text ? null
            : int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int number) ? number
            : throw new BadInput($"{name}={text}: a whole number is needed.");
    }

    /// <summary>Threads for this rank: the cores it may use, and no more than its share of the machine where the launcher has bound it to none.</summary>
    public int Threads => Math.Max(1, Math.Min(Environment.ProcessorCount, Training.Native.Machine.Cores / LocalSize));

    /// <summary>The group that the environment of this process asks for: one rank needs nothing, several need MPI.</summary>
    /// <exception cref="BadInput">As <see cref="Read"/>; or MPI is missing, or knows of another number of ranks than the launcher.</exception>
    public static IProcessGroup Join()
    {
        Launch launch = Read(Environment.GetEnvironmentVariable);
        Current = launch;
        if (launch.Size == 1)
        {
            return LocalProcessGroup.Instance;
        }
        MpiProcessGroup group = MpiProcessGroup.Start();
        return (group.Rank, group.Size) == (launch.Rank, launch.Size) ? group
            : throw new BadInput(string.Create(CultureInfo.InvariantCulture,
                $"{launch.Source} says rank {launch.Rank} of {launch.Size}, but {group.Library} says rank {group.Rank} of {group.Size}: the launcher and the MPI library are not of one kind; start with the mpirun of that library (or srun --mpi=pmix, --mpi=pmi2)."));
    }

    private sealed record Family(string Rank, string Size, string LocalRank, string LocalSize);
}
