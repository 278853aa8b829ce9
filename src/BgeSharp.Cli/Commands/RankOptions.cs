// --gradient-exchange and --shard-optimizer: how ranks that train together share their work. They change nothing for one process.

using System.CommandLine;
using static TorchSharp.torch;

namespace BgeSharp.Cli.Commands;

/// <summary>Options of runs over several ranks.</summary>
internal sealed class RankOptions
{
    private readonly Option<string> _exchange = new("--gradient-exchange")
    {
        Description = "Several ranks (mpirun, srun): what gradients are sent as, \"float32\", or \"bfloat16\" for half the bytes and 8 bits of precision.",
        DefaultValueFactory = _ => "float32",
        HelpName = "TYPE",
    };

    private readonly Option<bool> _shard = new("--shard-optimizer") { Description = "Several ranks: keep the moments of a weight on one rank only; less memory, one more exchange a step." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_exchange);
        command.Options.Add(_shard);
    }

    /// <summary>The options as they were given, for a command that does the same again.</summary>
    public IEnumerable<string> Given(ParseResult line)
        => [.. line.GetResult(_exchange) is { Implicit: false } ? new[] { _exchange.Name, line.GetValue(_exchange)! } : [], .. line.GetValue(_shard) ? new[] { _shard.Name } : []];

    /// <summary>What gradients are sent as, and whether moments are sharded.</summary>
    /// <exception cref="BadInput">A name is not known.</exception>
    public (ScalarType Exchange, bool Shard) Read(ParseResult line) => (line.GetValue(_exchange) switch
    {
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        var other => throw new BadInput($"--gradient-exchange {other}: \"float32\" or \"bfloat16\" is needed."),
    }, line.GetValue(_shard));
}
