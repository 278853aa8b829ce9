// What fails in a function of ours during a backward pass ends the process, unless the pass goes through BackwardPass.

using Mono.Cecil;
using Mono.Cecil.Cil;

namespace BgeSharp.Architecture.Tests;

public sealed class BackwardPassRuleTests
{
    [Fact]
    public void Every_backward_pass_of_training_goes_through_BackwardPass()
    {
        using AssemblyDefinition ours = AssemblyDefinition.ReadAssembly(typeof(BgeSharp.Training.Stages.Trainer).Assembly.Location);
        string[] callers = [.. ours.MainModule.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody && method.Body.Instructions.Any(IsBackward))
            .Select(method => Outermost(method.DeclaringType).Name).Distinct().Order(StringComparer.Ordinal)];
        // Recomputed goes backward within a pass, which keeps what fails in it.
        Assert.Equal(["BackwardPass", "Recomputed"], callers);
        Assert.Equal(["OwnFunction`1"], ours.MainModule.GetTypes().Where(type => type.BaseType?.FullName.StartsWith("TorchSharp.torch/autograd/", StringComparison.Ordinal) == true).Select(type => type.Name));
    }

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static bool IsBackward(Instruction instruction)
        => instruction.OpCode.Code is Code.Call or Code.Callvirt or Code.Ldftn or Code.Ldvirtftn && instruction.Operand is MethodReference { Name: "backward" or "grad" } called
            && (called.DeclaringType.FullName is "TorchSharp.torch/Tensor" or "TorchSharp.torch/autograd");
}
