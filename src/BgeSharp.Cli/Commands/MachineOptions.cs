// --device, --precision and --threads: the same on every command that computes.

using System.CommandLine;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using static TorchSharp.torch;

namespace BgeSharp.Cli.Commands;

/// <summary>Options that choose where and how precisely to compute.</summary>
internal sealed class MachineOptions
{
    private readonly Option<string> _device = new("--device") { Description = "\"cpu\", \"cuda\" or \"cuda:n\".", DefaultValueFactory = _ => "cpu", HelpName = "DEVICE" };
    private readonly Option<string> _precision = new("--precision") { Description = "\"auto\" (measured once), \"float32\" or \"bfloat16\".", DefaultValueFactory = _ => "auto", HelpName = "TYPE" };
    private readonly Option<int> _threads = new("--threads") { Description = "Threads of one operation; 0 for all cores given.", DefaultValueFactory = _ => 0, HelpName = "N" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_device);
        command.Options.Add(_precision);
        command.Options.Add(_threads);
    }

    /// <summary>The options as they were given, for a command that does the same again.</summary>
    public IEnumerable<string> Given(ParseResult line)
    {
        foreach (Option option in new Option[] { _device, _precision, _threads })
        {
            if (line.GetResult(option) is { Implicit: false } result)
            {
                yield return option.Name;
                yield return result.Tokens[0].Value;
            }
        }
    }

    /// <summary>Starts libtorch and chooses device and precision.</summary>
    /// <exception cref="BadInput">A name is not known, or the device is not there.</exception>
    public Compute Start(ParseResult line)
    {
        int threads = line.GetValue(_threads);
        if (threads < 0)
        {
            throw new BadInput($"--threads {threads}: 0 (all cores) or a number above it is needed.");
        }
        LibTorch.Start(threads);
        return Precision.Choose(line.GetValue(_precision)!, LibTorch.DeviceOf(line.GetValue(_device)!));
    }

    /// <summary>The same over ranks: each takes its share of the machine's cores and devices, and all compute in the precision that rank 0 chooses.</summary>
    /// <exception cref="BadInput">As <see cref="Start(ParseResult)"/>.</exception>
    public (Compute Compute, IProcessGroup Group) Start(ParseResult line, IProcessGroup group)
    {
        if (group.Size == 1)
        {
            return (Start(line), group);
        }
        if (line.GetValue(_threads) < 0)
        {
            throw new BadInput($"--threads {line.GetValue(_threads)}: 0 (all cores) or a number above it is needed.");
        }
        LibTorch.Start(line.GetValue(_threads) > 0 ? line.GetValue(_threads) : Launch.Current.Threads);
        string device = line.GetValue(_device)!;
        Device place = LibTorch.DeviceOf(device == "cuda" ? FormattableString.Invariant($"cuda:{Launch.Current.LocalRank}") : device);
        string precision = group.Agree(() => Precision.Choose(line.GetValue(_precision)!, place).Type == ScalarType.BFloat16 ? "bfloat16" : "float32");
        return (Precision.Choose(precision, place), NcclProcessGroup.Over(group, place));
    }
}
