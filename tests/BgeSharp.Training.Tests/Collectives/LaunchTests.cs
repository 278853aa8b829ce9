using BgeSharp.Training.Collectives;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class LaunchTests
{
    [Theory]
    [InlineData("", 0, 1, 0, "")]
    [InlineData("OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2", 3, 4, 1, "OMPI_COMM_WORLD_SIZE")]
    [InlineData("PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=0", 1, 2, 0, "PMI_SIZE")]
    [InlineData("RANK=5 WORLD_SIZE=8 LOCAL_RANK=1", 5, 8, 1, "WORLD_SIZE")]
    [InlineData("SLURM_PROCID=2 SLURM_NTASKS=3 SLURM_STEP_ID=0", 2, 3, 0, "SLURM_NTASKS")]
    [InlineData("PMI_RANK=3 PMI_SIZE=8 SLURM_STEP_ID=0 SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_LOCALID=3", 3, 8, 3, "PMI_SIZE")]                           // srun --mpi=pmi2
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_ID=4294967290", 0, 1, 0, "")]                                                          // salloc's shell
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=16", 0, 1, 0, "")]                                                                                   // a shell within a job: no step
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=16 SLURM_STEP_ID=0 OMPI_COMM_WORLD_RANK=7 OMPI_COMM_WORLD_SIZE=16", 7, 16, 0, "OMPI_COMM_WORLD_SIZE")]   // mpirun within it
    [InlineData("PMI_RANK=1 PMI_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", 1, 2, 0, "OMPI_COMM_WORLD_SIZE")]
    public void The_launcher_says_which_rank_this_is(string environment, int rank, int size, int local, string source)
    {
        Launch launch = Read(environment);
        Assert.Equal((rank, size, local, source), (launch.Rank, launch.Size, launch.LocalRank, launch.Source));
    }

    [Theory]
    [InlineData("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 RANK=0 WORLD_SIZE=2", "the launchers disagree: OMPI_COMM_WORLD_SIZE says rank 1 of 2, WORLD_SIZE says rank 0 of 2")]
    [InlineData("WORLD_SIZE=2", "WORLD_SIZE is set but RANK is not")]
    [InlineData("RANK=2 WORLD_SIZE=2", "RANK=2 is not a rank of WORLD_SIZE=2")]
    [InlineData("PMI_RANK=one PMI_SIZE=2", "PMI_RANK=one: a whole number is needed.")]
    public void Launchers_that_contradict_themselves_or_each_other_are_refused(string environment, string sentence)
        => Assert.StartsWith(sentence, Assert.Throws<BadInput>(() => Read(environment)).Message, StringComparison.Ordinal);

    private static Launch Read(string environment)
    {
        Dictionary<string, string> variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        return Launch.Read(name => variables.GetValueOrDefault(name));
    }
}
